import { h } from './dom.js'
import { clipped, count, milliseconds, rate } from './format.js'
import { sparkline } from './sparkline.js'

const hostOf = (text) => clipped(text.replace(/^https?:\/\//, ''), 44)

/** The four numbers that one sees from across the room. */
export function header({ sections, series }) {
  const summary = sections.get('summary')
  if (!summary) return []
  const { players, realms, healthy, hibernated, refusals, answers, latency } = summary
  const expected = realms - hibernated
  const asleep = hibernated > 0 ? `${count(hibernated)} hibernated` : ''
  return [
    kpi('Players', count(players), [], trend(series, 'players', 'players'), ''),
    kpi(
      'Realms healthy',
      count(healthy),
      [` of ${count(expected)}`],
      undefined,
      [healthy < expected ? 'not all take players' : 'all take players', asleep].filter(Boolean).join(' · '),
      healthy < expected,
    ),
    kpi(
      'Refusals',
      rate(refusals),
      ['/s'],
      trend(series, 'refusals', 'refusals per second'),
      `${rate(answers)}/s got a cell`,
      refusals > 0,
    ),
    kpi(
      'Worst latency',
      latency ? milliseconds(latency.ms) : '–',
      [],
      trend(series, 'latency', 'worst latency in milliseconds'),
      latency ? hostOf(latency.of) : 'nothing was asked yet',
      latency?.ms >= 1000,
    ),
  ]
}

const kpi = (name, value, unit, line, note, isBad = false) =>
  h(
    'dl',
    { class: 'kpi', key: name },
    h('dt', {}, name),
    h('dd', { class: isBad ? 'value bad' : 'value' }, value, h('small', {}, unit)),
    h('dd', { class: 'note', title: note }, note),
    line && h('dd', { class: 'line' }, line),
  )

function trend(series, key, name) {
  const values = series.get(key)
  const most = Math.max(0, ...(values ?? []).filter((value) => value !== null))
  return sparkline(values, `${name} in the last ten minutes, at most ${rate(most)}`)
}
