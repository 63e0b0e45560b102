/** A line of a plot. */
export interface Series {
  name: string
  colour: string
  points: readonly (readonly [x: number, y: number])[]
  isDashed?: boolean
}

/** An axis: its ticks span it, from the first to the last. */
export interface Axis {
  label: string
  ticks: readonly { at: number; label: string }[]
  isLogarithmic?: boolean
}

/** A line chart as a static SVG: no script, the fonts of the reader, legible on white and on black. */
export interface Plot {
  title: string
  x: Axis
  y: Axis
  series: readonly Series[]
}

const WIDTH = 780
const HEIGHT = 420
const FRAME = { left: 72, right: 580, top: 48, bottom: 360 }
const LEGEND_STEP = 20

/** Draws a plot as SVG. */
export function draw({ title, x, y, series }: Plot): string {
  const toX = scale(x, FRAME.left, FRAME.right)
  const toY = scale(y, FRAME.bottom, FRAME.top)
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#ffffff"/>`,
    `<text x="${FRAME.left}" y="28" font-size="16" font-weight="600" fill="#1f2328">${title}</text>`,
  ]
  for (const { at, label } of y.ticks) {
    const level = toY(at).toFixed(1)
    lines.push(`<path d="M${FRAME.left} ${level}H${FRAME.right}" stroke="#d8dee4"/>`)
    lines.push(`<text x="${FRAME.left - 8}" y="${level}" dy="4" text-anchor="end" fill="#57606a">${label}</text>`)
  }
  for (const { at, label } of x.ticks)
    lines.push(`<text x="${toX(at).toFixed(1)}" y="${FRAME.bottom + 20}" text-anchor="middle" fill="#57606a">${label}</text>`)
  const middle = { x: (FRAME.left + FRAME.right) / 2, y: (FRAME.top + FRAME.bottom) / 2 }
  lines.push(`<text x="${middle.x}" y="${HEIGHT - 14}" text-anchor="middle" fill="#1f2328">${x.label}</text>`)
  lines.push(`<text transform="translate(18 ${middle.y}) rotate(-90)" text-anchor="middle" fill="#1f2328">${y.label}</text>`)
  for (const [i, { name, colour, points, isDashed }] of series.entries()) {
    const path = points.map(([px, py], n) => `${n === 0 ? 'M' : 'L'}${toX(px).toFixed(1)} ${toY(py).toFixed(1)}`).join('')
    const dashes = isDashed ? ' stroke-dasharray="5 4"' : ''
    lines.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashes}/>`)
    for (const [px, py] of points)
      lines.push(`<circle cx="${toX(px).toFixed(1)}" cy="${toY(py).toFixed(1)}" r="3" fill="${colour}"/>`)
    const row = FRAME.top + 8 + i * LEGEND_STEP
    lines.push(`<path d="M${FRAME.right + 16} ${row}h22" stroke="${colour}" stroke-width="2"${dashes}/>`)
    lines.push(`<text x="${FRAME.right + 44}" y="${row}" dy="4" fill="#1f2328">${name}</text>`)
  }
  return `${lines.join('\n')}\n</svg>\n`
}

function scale({ ticks, isLogarithmic }: Axis, from: number, to: number): (value: number) => number {
  const positionOf = (value: number): number => (isLogarithmic ? Math.log(value) : value)
  const first = positionOf(ticks[0]?.at ?? 0)
  const last = positionOf(ticks.at(-1)?.at ?? 1)
  // Values beyond the last tick are drawn at the edge.
  return (value) => from + (to - from) * Math.min(1, Math.max(0, (positionOf(value) - first) / (last - first)))
}
