import { h } from './dom.js'

const WIDTH = 120
const HEIGHT = 24

/** Ten minutes as a line from zero, with gaps where nothing was measured. `label` is what screen readers say of it. */
export function sparkline(values, label) {
  const known = (values ?? []).filter((value) => value !== null)
  if (known.length < 2) return h('span', { class: 'soft' }, '')
  const most = Math.max(...known, 1e-9)
  const step = WIDTH / (values.length - 1)
  let line = ''
  let area = ''
  let start
  values.forEach((value, index) => {
    if (value === null) {
      area += closed(start, (index - 1) * step)
      start = undefined
      return
    }
    const point = `${round(index * step)} ${round(HEIGHT - 1 - (value / most) * (HEIGHT - 3))}`
    line += `${start === undefined ? 'M' : 'L'}${point}`
    area += start === undefined ? `M${round(index * step)} ${HEIGHT}L${point}` : `L${point}`
    start ??= index * step
  })
  area += closed(start, (values.length - 1) * step)
  return h(
    'svg',
    { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    h('path', { class: 'under', d: area }),
    h('path', { d: line }),
  )
}

const closed = (start, end) => (start === undefined ? '' : `L${round(end)} ${HEIGHT}L${round(start)} ${HEIGHT}Z`)
const round = (value) => Math.round(value * 10) / 10
