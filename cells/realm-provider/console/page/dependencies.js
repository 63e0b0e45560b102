import { h } from './dom.js'
import { count, milliseconds, plural, since, span } from './format.js'
import { sparkline } from './sparkline.js'

const GOOD = 'mark'
const BAD = 'mark bad'
const DOUBT = 'mark square doubt'
const UNKNOWN = 'mark hollow soft'

const mark = (kind, text) => h('span', {}, h('span', { class: kind, 'aria-hidden': 'true' }), text)

/** What realms depend on outside their cells. */
export const dependencyPanels = (state, realms) => [catalysts(state), parts(realms), services(state), leases(state)]

const panel = (key, title, note, content) =>
  h(
    'section',
    { class: 'panel', 'aria-labelledby': `${key}-title`, key },
    h('header', {}, h('h2', { id: `${key}-title` }, title), h('span', { class: 'note' }, note)),
    content,
  )

const table = (label, heads, rows) =>
  h(
    'div',
    { class: 'table scroll', tabindex: 0, role: 'region', 'aria-label': label },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head) => h('th', { scope: 'col' }, head)),
        ),
      ),
      h('tbody', {}, rows),
    ),
  )

const nothing = (text) => h('p', { class: 'body soft' }, text)

function catalysts({ sections, series }) {
  const all = sections.get('catalysts') ?? []
  const rows = all.map(({ url, healthy, isSlow, wasAsked, latencyMs, version, realms }) =>
    h(
      'tr',
      { key: url },
      h('td', {}, h('code', {}, url)),
      h(
        'td',
        {},
        wasAsked
          ? mark(healthy ? (isSlow ? DOUBT : GOOD) : BAD, healthy ? (isSlow ? 'slow' : 'takes users') : 'not healthy')
          : mark(UNKNOWN, 'not asked yet'),
      ),
      h('td', { class: 'number' }, milliseconds(latencyMs)),
      h('td', { class: 'trend' }, sparkline(series.get(`k/${url}`), `latency of ${url} in the last ten minutes`)),
      h('td', { class: 'number' }, count(realms)),
      h('td', {}, version || '–'),
    ),
  )
  const healthy = all.filter((each) => each.healthy).length
  const content =
    all.length === 0
      ? nothing('No realm names a catalyst: their worlds are empty.')
      : table('Catalysts', ['Catalyst', 'State', 'Latency', '10 min', 'Realms', 'Content'], rows)
  return panel('catalysts', 'Catalysts', `${healthy} of ${all.length} take users`, content)
}

/** By the conditions of each realm: the realm provider itself connects to none of them. */
function parts(realms) {
  const ours = realms.filter(({ facts }) => !facts.isRemote)
  const rows = ours.slice(0, 200).map(({ key, facts }) => {
    const condition = (type) => facts.conditions.find((each) => each.type === type)
    return h(
      'tr',
      { key },
      h('td', {}, h('a', { href: `#/realm/${key}` }, facts.realmName)),
      h('td', {}, part(facts.parts.nats, condition('DependenciesReady'))),
      h('td', {}, part(facts.parts.livekit, condition('DependenciesReady'))),
      h('td', {}, part(facts.parts.gatekeeper, condition('DataDurable'), facts.parts.database)),
      h('td', {}, part(facts.parts.movement, condition('MovementReachable'))),
      h('td', {}, part(facts.parts.exposure, condition('CertificateValid'))),
    )
  })
  const content =
    rows.length === 0
      ? nothing('There is no realm of this cluster.')
      : table('NATS, LiveKit and gatekeepers', ['Realm', 'NATS', 'LiveKit', 'Gatekeeper', 'Movement relay', 'Exposure'], rows)
  return panel('parts', 'NATS, LiveKit and gatekeepers', 'by the conditions of each realm', content)
}

function part(type, condition, detail) {
  const text = detail && type !== 'None' ? `${type}, ${detail}` : type
  if (type === 'None') return mark(UNKNOWN, 'none')
  if (!condition || condition.status === 'Unknown' || condition.reason === 'NotChecked') return mark(UNKNOWN, text)
  const isGood = condition.status === 'True'
  return h('span', { title: condition.message }, mark(isGood ? GOOD : DOUBT, isGood ? text : `${text}: ${condition.reason}`))
}

function services({ sections }) {
  const all = sections.get('services') ?? []
  const rows = all.map(({ url, healthy, wasAsked }) =>
    h(
      'tr',
      { key: url },
      h('td', {}, h('code', {}, url)),
      h('td', {}, wasAsked ? mark(healthy ? GOOD : BAD, healthy ? 'works' : 'does not work') : mark(UNKNOWN, 'not asked yet')),
    ),
  )
  const content =
    all.length === 0
      ? nothing('No realm names services such as events and places.')
      : table('Services of worlds', ['Asked at', 'State'], rows)
  return panel('services', 'Services of worlds', plural(all.length, 'service'), content)
}

function leases({ sections, at }) {
  const { leases: all = [], total = 0 } = sections.get('leases') ?? {}
  const rows = all.map(({ realmName, account, since: from, expiresAt }) =>
    h(
      'tr',
      { key: `${realmName} ${account}` },
      h('td', {}, realmName),
      h('td', {}, account),
      h('td', { class: 'number' }, since(from, at)),
      h('td', { class: expiresAt - at < 10000 ? 'number doubt' : 'number' }, span(expiresAt - at)),
    ),
  )
  const content =
    rows.length === 0
      ? nothing('No realm of another cluster is published here.')
      : table('Leases', ['Name', 'Publisher', 'Held for', 'Ends in'], rows)
  return panel('leases', 'Leases', plural(total, 'name'), content)
}
