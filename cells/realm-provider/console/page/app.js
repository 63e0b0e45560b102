import { cellsTable, columnAt, startsDescending } from './cells-table.js'
import { ask, follow, readToken, writeToken } from './connection.js'
import { dependencyPanels } from './dependencies.js'
import { h, render } from './dom.js'
import { islandPanel, peerPanel } from './found-views.js'
import { header } from './header.js'
import { colours, drawOverview } from './map-draw.js'
import { MapView } from './map-view.js'
import { changesPanel, problemsPanel } from './problems.js'
import { realmCards } from './realm-cards.js'
import { realmView } from './realm-view.js'
import { destination, pageOf } from './search.js'
import { createState, realmOf, realmsOf, take } from './state.js'
import { startTheme } from './theme.js'

const at = (id) => document.getElementById(id)
const state = createState()
const maps = new WeakMap()
let page = pageOf(location.hash)
let sort = { by: 'players', isDescending: true }
let link = { kind: 'waiting', text: '' }
let found = {}
let stopFollowing = () => {}
let isDue = false

function draw() {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    render(at('link-state'), linkState())
    at('link-state').className = `link-state ${link.kind}`
    if (!state.isComplete) return
    render(at('summary'), header(state))
    render(at('main'), content())
    drawMaps()
    document.title = titleOf()
  })
}

function linkState() {
  const texts = {
    live: 'live',
    lost: `connection lost, trying again${link.text ? `: ${link.text}` : ''}`,
    locked: 'a token is needed',
    waiting: 'connecting…',
  }
  return [h('span', { class: 'mark', 'aria-hidden': 'true' }), texts[link.kind]]
}

function titleOf() {
  const errors = (state.sections.get('problems')?.problems ?? []).filter(({ severity }) => severity === 'error').length
  return `${errors > 0 ? `(${errors}) ` : ''}${page.realm ?? 'Realms'}`
}

function content() {
  const realms = realmsOf(state)
  if (page.kind === 'peer') return [peerPanel(found, page.wallet, state.at)]
  if (page.realm !== undefined) {
    const realm = realmOf(state, page.realm)
    if (!realm)
      return [
        h('p', { class: 'empty' }, `The realm provider knows no realm ${page.realm}. `, h('a', { href: '#/' }, 'All realms')),
      ]
    return realmView(state, realm, { sort, beside: page.kind === 'island' ? islandPanel(found, state.at) : undefined })
  }
  return [
    h('div', { class: 'stack', key: 'left' }, realmCards(state, realms), cellsTable(state, realms, sort)),
    h('div', { class: 'stack', key: 'right' }, problemsPanel(state), changesPanel(state)),
    h('div', { class: 'wide pair', key: 'dependencies' }, dependencyPanels(state, realms)),
  ]
}

function drawMaps() {
  for (const canvas of document.querySelectorAll('canvas[data-overview]')) {
    const realm = realmOf(state, canvas.dataset.overview)
    if (realm) drawOverview(canvas, realm.live.overview, realm.facts.sizes, colours(canvas))
  }
  const view = mapView()
  const realm = page.realm && realmOf(state, page.realm)
  if (view && realm) view.show(state.map?.realm === realm.key ? state.map.map : undefined, realm.facts.sizes)
}

/** The map of the page, which lives as long as its canvas. */
function mapView() {
  const canvas = document.querySelector('canvas[data-map]')
  if (!canvas) return undefined
  const known = maps.get(canvas)
  if (known) return known
  const view = new MapView(canvas, {
    onHover: (text) => {
      state.hover = text
      render(document.querySelector('[data-hover]'), text)
    },
    onIsland: (id) => {
      location.hash = `#/island/${canvas.dataset.map}/${encodeURIComponent(id)}`
    },
  })
  maps.set(canvas, view)
  if (page.kind === 'parcel') view.mark({ east: page.parcel[0], north: page.parcel[1] })
  return view
}

function connect() {
  stopFollowing()
  stopFollowing = follow({
    realm: page.realm,
    onEvent: (name, data) => {
      take(state, name, data)
      draw()
    },
    onState: (kind, text = '') => {
      if (kind !== link.kind) at('announcer').textContent = kind === 'lost' ? 'The connection is lost.' : ''
      link = { kind, text }
      if (kind === 'locked') openTokenDialog(readToken() ? 'This token is not right.' : '')
      draw()
    },
  })
}

/** Goes to the page of the address. */
function navigate() {
  const before = page
  page = pageOf(location.hash)
  state.hover = ''
  if (before.realm !== page.realm) {
    state.map = undefined
    connect()
  }
  void look(page)
  draw()
  if (page.kind === 'parcel') mapView()?.mark({ east: page.parcel[0], north: page.parcel[1] })
  if (before.realm !== page.realm || before.kind !== page.kind) {
    scrollTo(0, 0)
    at('main').focus({ preventScroll: true })
  }
}

/** Asks for what the feed does not say: a peer, or an island. */
async function look(wanted) {
  found = {}
  const path = {
    peer: () => `peers/${encodeURIComponent(wanted.wallet)}`,
    island: () => `islands/${encodeURIComponent(wanted.id)}?realm=${encodeURIComponent(wanted.realm)}`,
  }[wanted.kind]
  if (!path) return
  try {
    const answer = await ask(path())
    if (wanted !== page) return
    found = { answer }
    if (wanted.kind === 'island')
      mapView()?.mark({ east: Math.floor(answer.center[0] / 16), north: Math.floor(answer.center[2] / 16) })
  } catch (error) {
    if (wanted === page)
      found = {
        error:
          error.status === 401
            ? 'Wallets are shown only with the token of the console: use the button Token.'
            : `${error.message}.`,
      }
  }
  draw()
}

function openTokenDialog(note) {
  at('token-note').textContent = note
  if (!at('token-dialog').open) at('token-dialog').showModal()
}

function useToken(token) {
  writeToken(token)
  at('token-dialog').close()
  at('token-input').value = ''
  connect()
  void look(page)
}

function sortBy(column) {
  if (column === undefined) return
  sort = { by: column, isDescending: sort.by === column ? !sort.isDescending : startsDescending(column) }
  at('announcer').textContent = `Sorted by ${column}, ${sort.isDescending ? 'descending' : 'ascending'}.`
  draw()
}

async function copy({ text }, button) {
  await navigator.clipboard.writeText(text).catch(() => {
    // Without HTTPS there is no clipboard: the text is selected, to be copied by hand.
    getSelection().selectAllChildren(button.previousElementSibling)
  })
  at('announcer').textContent = 'Copied.'
  button.dataset.isCopied = 'true'
}

const toggleTheme = startTheme(at('theme-button'), () => {
  mapView()?.draw()
  draw()
})
const actions = {
  theme: toggleTheme,
  token: () => openTokenDialog(''),
  'close-token': () => at('token-dialog').close(),
  'forget-token': () => useToken(undefined),
  sort: ({ column }) => sortBy(column),
  copy,
  'zoom-in': () => mapView()?.zoom(1.4),
  'zoom-out': () => mapView()?.zoom(1 / 1.4),
  fit: () => mapView()?.fit(),
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-action]')
  if (button) void actions[button.dataset.action]?.(button.dataset, button)
})
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input')) return
  if (event.key === '/') {
    event.preventDefault()
    at('query').focus()
  } else if (event.key === 'Escape') location.hash = '#/'
  else if (/^[1-8]$/.test(event.key)) sortBy(columnAt(Number(event.key) - 1))
})
at('search').addEventListener('submit', (event) => {
  event.preventDefault()
  const map = state.map?.realm === page.realm ? state.map?.map : undefined
  const { hash, note = '' } = destination(at('query').value, realmsOf(state), page.realm, map)
  at('search-note').textContent = note
  if (hash) location.hash = hash
})
at('query').addEventListener('input', () => {
  at('search-note').textContent = ''
})
at('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  useToken(at('token-input').value.trim())
})
addEventListener('hashchange', navigate)
addEventListener('resize', draw)
connect()
void look(page)
