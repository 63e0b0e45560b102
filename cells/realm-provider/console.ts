import { createHash } from 'node:crypto'
import { ok, type Route, route } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import type { RealmStats } from './adapters/stats-poller.ts'
import type { PublishedRealm } from './core/published-realm.ts'

// All data on the page comes from other services, so it is only put into text nodes and onto the canvas.
const SCRIPT = `
const parcel = 16
const make = (tag, text, parent) => parent.appendChild(Object.assign(document.createElement(tag), { textContent: text ?? '' }))
const get = (url) => fetch(url, { signal: AbortSignal.timeout(3000) }).then((answer) => answer.ok ? answer.json() : undefined).catch(() => undefined)
const colour = (id) => 'hsl(' + [...id].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) % 360, 7) + ' 70% 45%)'

function draw(canvas, islands, peers, sizes) {
  const left = Math.min(...sizes.map((s) => s.left)), right = Math.max(...sizes.map((s) => s.right)) + 1
  const bottom = Math.min(...sizes.map((s) => s.bottom)), top = Math.max(...sizes.map((s) => s.top)) + 1
  const scale = Math.min(canvas.width / (right - left), canvas.height / (top - bottom))
  const x = (east) => (east - left) * scale, y = (north) => (top - north) * scale
  const pen = canvas.getContext('2d')
  pen.clearRect(0, 0, canvas.width, canvas.height)
  pen.fillStyle = '#e8eef4'
  for (const s of sizes) pen.fillRect(x(s.left), y(s.top + 1), (s.right + 1 - s.left) * scale, (s.top + 1 - s.bottom) * scale)
  const dot = (east, north, radius) => { pen.beginPath(); pen.arc(x(east / parcel), y(north / parcel), radius, 0, 7); pen.fill() }
  pen.fillStyle = '#445'
  for (const peer of peers) dot(peer.position[0], peer.position[2], 2)
  for (const island of islands) {
    pen.fillStyle = colour(island.id)
    for (const peer of island.peers) dot(peer.position[0], peer.position[2], 3)
  }
}

async function refresh() {
  const realms = (await get(location.pathname.replace(/\\/+$/, '') + '/realms')) ?? []
  const shown = await Promise.all(realms.map(async (realm) => {
    const [islands, peers] = realm.statsUrl ? await Promise.all([get(realm.statsUrl + '/islands'), get(realm.statsUrl + '/peers')]) : []
    const box = document.createElement('section')
    make('h2', realm.realmName + (realm.healthy ? '' : ' (not taking players)'), box)
    // The peers on the map are current; the count in the list of realms is some seconds old.
    const players = peers?.peers?.length ?? realm.usersCount
    make('p', players + ' players, ' + (islands?.islands ?? []).length + ' islands, version ' + realm.version, box)
    const { movement } = realm
    if (movement) make('p', 'movement relay: ' + movement.bevy + ' (Bevy), ' + movement.godot + ' (Godot), ' + movement.unity + ' (Unity)', box)
    const cells = make('ul', '', box)
    for (const cell of realm.cells) make('li', 'slot ' + cell.slot + ': ' + cell.cell + ', ' + cell.state + (cell.players === undefined ? '' : ', ' + cell.players + ' players'), cells)
    const canvas = Object.assign(make('canvas', '', box), { width: 480, height: 480 })
    draw(canvas, islands?.islands ?? [], peers?.peers ?? [], realm.sizes)
    return box
  }))
  if (shown.length === 0) shown.push(Object.assign(document.createElement('p'), { textContent: 'No realm is published.' }))
  document.querySelector('main').replaceChildren(...shown)
  setTimeout(refresh, 2000)
}
refresh()
`
const STYLE =
  'body{font:14px system-ui;margin:2rem;color:#223}main{display:flex;flex-wrap:wrap;gap:2rem}canvas{background:#f7f9fb}h2,p,ul{margin:.3rem 0}'
const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Realms</title><style>${STYLE}</style><main></main><script>${SCRIPT}</script></html>`

const cspHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const pageAnswer: HttpResponse = {
  status: 200,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    // The page may run its own script and send requests to the stats of any realm, and nothing else.
    'content-security-policy': `default-src 'none'; script-src ${cspHash(SCRIPT)}; style-src ${cspHash(STYLE)}; connect-src *; frame-ancestors 'none'`,
  },
  body: Buffer.from(PAGE),
}

/**
 * A web page that shows the realms, their cells and the positions of players, live. The browser queries the stats of each realm.
 */
export const consoleRoutes = (realms: () => ReadonlyMap<string, PublishedRealm>, stats: RealmStats): Route[] => [
  route('GET', '/console', () => pageAnswer),
  route('GET', '/console/realms', () =>
    ok(
      Array.from(realms().values(), (realm) => {
        const count = stats.playerCount(realm)
        return {
          realmName: realm.realmName,
          healthy: realm.healthy,
          version: realm.version,
          usersCount: count?.total ?? 0,
          statsUrl: realm.statsUrl,
          movement: realm.movement,
          sizes: realm.content.map.sizes,
          cells: realm.endpoints.map(({ slot, cell, state }) => ({ slot, cell, state, players: count?.bySlot?.get(slot) })),
        }
      }),
    ),
  ),
]
