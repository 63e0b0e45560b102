import { h } from './dom.js'
import { count, rate } from './format.js'
import { sparkline } from './sparkline.js'

const MOST = 200

const COLUMNS = [
  { id: 'realm', name: 'Realm', value: (row) => row.realmName, isText: true },
  { id: 'slot', name: 'Slot', value: (row) => row.slot },
  { id: 'state', name: 'State', value: (row) => row.state, isText: true },
  {
    id: 'players',
    name: 'Players',
    value: (row) => row.players,
    shown: (row) => (row.capacity ? `${count(row.players)} / ${count(row.capacity)}` : count(row.players)),
    trend: 'players',
  },
  { id: 'joins', name: 'Joins/s', value: (row) => row.joins, shown: (row) => rate(row.joins), trend: 'joins' },
  { id: 'leaves', name: 'Leaves/s', value: (row) => row.leaves, shown: (row) => rate(row.leaves), trend: 'leaves' },
  {
    id: 'heartbeats',
    name: 'Heartbeats/s',
    value: (row) => row.heartbeats,
    shown: (row) => rate(row.heartbeats),
    trend: 'heartbeats',
  },
  { id: 'islands', name: 'Islands', value: (row) => row.islands, trend: 'islands' },
]

/** Cells of the realms: those of their status, with the numbers of their statistics. */
function rowsOf(realms) {
  return realms.flatMap(({ key, facts, live }) => {
    const numbers = new Map(live.cells.map((cell) => [cell.slot, cell]))
    const slots = new Set([...facts.endpoints.map(({ slot }) => slot), ...numbers.keys()])
    return [...slots].map((slot) => {
      const endpoint = facts.endpoints.find((each) => each.slot === slot)
      const cell = numbers.get(slot)
      const state = endpoint?.state ?? 'Gone'
      const isSilent = cell !== undefined && !cell.healthy
      return {
        key: `${key}/${slot}`,
        realm: key,
        realmName: facts.realmName,
        slot,
        cell: endpoint?.cell ?? '',
        state: isSilent ? `${state}, silent` : state,
        capacity: facts.capacity,
        players: null,
        joins: null,
        leaves: null,
        heartbeats: null,
        islands: null,
        ...pick(cell),
      }
    })
  })
}

const pick = (cell) =>
  cell && { players: cell.players, joins: cell.joins, leaves: cell.leaves, heartbeats: cell.heartbeats, islands: cell.islands }

/** Cells, sorted by whatever one asks. */
export function cellsTable(state, realms, sort, title = 'Cells') {
  const column = COLUMNS.find(({ id }) => id === sort.by) ?? COLUMNS[3]
  const rows = rowsOf(realms).sort(
    (a, b) => compare(column.value(a), column.value(b)) * (sort.isDescending ? -1 : 1) || (a.key < b.key ? -1 : 1),
  )
  const trend = column.trend ?? 'players'
  const trendName = COLUMNS.find(({ id }) => id === trend).name
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'cells-title', key: 'cells' },
    h(
      'header',
      {},
      h('h2', { id: 'cells-title' }, title),
      h(
        'span',
        { class: 'note' },
        rows.length > MOST ? `the first ${MOST} of ${count(rows.length)}` : count(rows.length),
        ' · sort by a column, or with the keys 1 to 8',
      ),
    ),
    h(
      'div',
      { class: 'table', tabindex: 0, role: 'region', 'aria-labelledby': 'cells-title' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            COLUMNS.map((each) => heading(each, sort)),
            h('th', { scope: 'col' }, `${trendName}, 10 min`),
          ),
        ),
        h(
          'tbody',
          {},
          rows.slice(0, MOST).map((row) => line(row, state.series, trend, trendName)),
        ),
      ),
    ),
  )
}

const heading = ({ id, name, isText }, sort) =>
  h(
    'th',
    {
      scope: 'col',
      class: isText ? undefined : 'number',
      'aria-sort': sort.by === id ? (sort.isDescending ? 'descending' : 'ascending') : undefined,
    },
    h('button', { type: 'button', 'data-action': 'sort', 'data-column': id }, name),
  )

const line = (row, series, trend, trendName) =>
  h(
    'tr',
    { key: row.key },
    h('td', {}, h('a', { href: `#/realm/${row.realm}` }, row.realmName)),
    h('td', { class: 'number', title: row.cell }, String(row.slot)),
    h('td', { class: row.state === 'Serving' ? undefined : 'doubt' }, row.state),
    COLUMNS.slice(3).map((column) => h('td', { class: 'number' }, column.shown ? column.shown(row) : count(column.value(row)))),
    h(
      'td',
      { class: 'trend' },
      sparkline(
        series.get(`c/${row.key}/${trend}`),
        `${trendName} of slot ${row.slot} of ${row.realmName} in the last ten minutes`,
      ),
    ),
  )

/** Unknown numbers come after all others in descending order. */
function compare(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return String(a).localeCompare(String(b), 'en', { numeric: true })
  return (a ?? -1) - (b ?? -1)
}

export const columnAt = (index) => COLUMNS[index]?.id
/** Numbers are looked at from the highest, names from the first. */
export const startsDescending = (id) => !COLUMNS.find((column) => column.id === id)?.isText && id !== 'slot'
