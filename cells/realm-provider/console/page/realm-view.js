import { cellsTable } from './cells-table.js'
import { h } from './dom.js'
import { count, plural, rate, since } from './format.js'
import { linksPanel } from './links.js'
import { HEAT_STEPS } from './map-draw.js'
import { changesPanel, problemsPanel } from './problems.js'
import { stateOf } from './realm-cards.js'

/** The page of a realm. */
export function realmView(state, realm, { sort, beside }) {
  return [
    h(
      'div',
      { class: 'stack', key: 'left' },
      mapPanel(state, realm),
      cellsTable(state, [realm], sort, 'Cells of this realm'),
      conditionsPanel(state, realm),
      islandsPanel(state, realm),
    ),
    h(
      'div',
      { class: 'stack', key: 'right' },
      beside,
      problemsPanel(state, realm.key),
      factsPanel(state, realm),
      linksPanel(realm),
      changesPanel(state, realm.key),
    ),
  ]
}

const mapOf = (state, { key }) => (state.map?.realm === key ? state.map.map : undefined)

function mapPanel(state, realm) {
  const { facts, live } = realm
  const map = mapOf(state, realm)
  const status = stateOf(realm)
  const text = map
    ? `Map of ${facts.realmName}: ${plural(map.peers, 'peer')} in ${plural(map.islandCount, 'island')}. Arrows move it, plus and minus zoom, 0 shows all.`
    : `Map of ${facts.realmName}`
  return h(
    'section',
    { class: 'panel map-panel', 'aria-labelledby': 'realm-title', key: 'map' },
    h(
      'header',
      {},
      h('h2', { id: 'realm-title' }, facts.realmName),
      h('span', {}, h('span', { class: status.mark, 'aria-hidden': 'true' }), status.text),
      h(
        'span',
        { class: 'note' },
        `${plural(live.players, 'player')} · ${live.islands === null ? 'islands unknown' : plural(live.islands, 'island')} · version ${facts.version}`,
      ),
    ),
    h(
      'div',
      { class: 'map' },
      h('canvas', { 'data-map': realm.key, key: `map ${realm.key}`, tabindex: 0, role: 'img', 'aria-label': text }),
      h('p', { class: 'hover', 'data-hover': true, key: 'hover' }, state.hover ?? ''),
      h(
        'div',
        { class: 'tools', key: 'tools' },
        tool('zoom-in', 'Zoom in', '+'),
        tool('zoom-out', 'Zoom out', '−'),
        tool('fit', 'Show all', '⤢'),
      ),
      h('p', { class: 'legend', key: 'legend' }, legend(map, live)),
    ),
  )
}

const tool = (action, label, sign) =>
  h('button', { type: 'button', 'data-action': action, 'aria-label': label, title: label }, sign)

function legend(map, live) {
  if (!map) return live.failingSince ? 'The statistics of this realm answer no map.' : 'No map yet.'
  if (map.peers === 0) return 'No player is here.'
  if (map.dots)
    return 'Each dot is a peer, in the colour of its island, grey in a small one; circles are islands with their peers.'
  return [
    'Peers per parcel:',
    ...HEAT_STEPS.map((from, step) =>
      h('span', {}, h('span', { class: `swatch heat-${step}`, 'aria-hidden': 'true' }), ` ${step === 0 ? '<0.5' : `≥${from}`}`),
    ),
  ]
}

function islandsPanel(state, realm) {
  const map = mapOf(state, realm)
  const islands = map?.islands ?? []
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'islands-title', key: 'islands' },
    h(
      'header',
      {},
      h('h2', { id: 'islands-title' }, 'Islands'),
      h('span', { class: 'note' }, map ? `the largest of ${count(map.islandCount)}` : ''),
    ),
    h(
      'div',
      { class: 'table scroll', tabindex: 0, role: 'region', 'aria-label': 'Islands' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, 'Island'),
            h('th', { scope: 'col', class: 'number' }, 'Peers'),
            h('th', { scope: 'col', class: 'number' }, 'Radius'),
            h('th', { scope: 'col', class: 'number' }, 'Parcel'),
          ),
        ),
        h(
          'tbody',
          {},
          islands
            .slice(0, 100)
            .map(({ id, peers, radius, center }) =>
              h(
                'tr',
                { key: id },
                h('td', {}, h('a', { href: `#/island/${realm.key}/${encodeURIComponent(id)}` }, id)),
                h('td', { class: 'number' }, count(peers)),
                h('td', { class: 'number' }, `${count(radius)} m`),
                h('td', { class: 'number' }, `${Math.floor(center[0] / 16)},${Math.floor(center[1] / 16)}`),
              ),
            ),
        ),
      ),
    ),
  )
}

function factsPanel({ at }, { facts, live }) {
  const { cells, autoscale, parts } = facts
  const rollout =
    cells.updated < cells.existing
      ? `${cells.updated} of ${cells.existing} cells are of the present spec`
      : 'all cells are of the present spec'
  const rows = [
    ['Realm', `${facts.key.namespace}/${facts.key.name}${facts.isRemote ? ', of another cluster' : ''}`],
    ['Mode', facts.mode],
    ['Cells', `${cells.ready} of ${cells.wanted} serve`],
    ['Rollout', rollout],
    autoscale && [
      'Autoscaling',
      `${autoscale.cells} cells, ${autoscale.reason} ${since(autoscale.changedAt, at)} ago: ${autoscale.message}`,
    ],
    ['Requests to enter', `${rate(live.answers)}/s answered, ${rate(live.refusals)}/s refused`],
    parts.exposure && ['Exposure', parts.exposure],
    live.failingSince && ['Statistics', `no answer since ${since(live.failingSince, at)}`],
  ]
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'facts-title', key: 'facts' },
    h('header', {}, h('h2', { id: 'facts-title' }, 'As declared and as it is')),
    h(
      'dl',
      { class: 'facts body' },
      rows.filter(Boolean).map(([name, text]) => [h('dt', {}, name), h('dd', {}, text)]),
    ),
  )
}

function conditionsPanel({ at }, { facts }) {
  if (facts.conditions.length === 0) return undefined
  const rows = facts.conditions.map(({ type, status, reason, message, since: from }) =>
    h(
      'tr',
      { key: type },
      h('td', {}, type),
      h('td', {}, status),
      h('td', {}, h('code', {}, reason)),
      h('td', {}, message),
      h('td', { class: 'number', title: from }, since(from, at)),
    ),
  )
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'conditions-title', key: 'conditions' },
    h('header', {}, h('h2', { id: 'conditions-title' }, 'Conditions')),
    h(
      'div',
      { class: 'table', tabindex: 0, role: 'region', 'aria-labelledby': 'conditions-title' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['Condition', 'Status', 'Reason', 'Message', 'Since'].map((head) => h('th', { scope: 'col' }, head)),
          ),
        ),
        h('tbody', {}, rows),
      ),
    ),
  )
}
