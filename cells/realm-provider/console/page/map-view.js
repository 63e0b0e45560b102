import { count, plural } from './format.js'
import { boxOf, colours, drawMap, PARCEL } from './map-draw.js'

const MIN_SCALE = 0.02
const MAX_SCALE = 120
/** Share of the map by which an arrow key moves it. */
const KEY_STEP = 0.15

/** A map that is moved by mouse, fingers and keys. It draws when something changed, at most once per frame. */
export class MapView {
  #canvas
  #onHover
  #onIsland
  #data = { map: undefined, sizes: [], marked: undefined }
  #view
  #pointers = new Map()
  #moved = 0
  #isDue = false

  constructor(canvas, { onHover, onIsland }) {
    this.#canvas = canvas
    this.#onHover = onHover
    this.#onIsland = onIsland
    new ResizeObserver(() => this.draw()).observe(canvas)
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { passive: false })
    canvas.addEventListener('pointerdown', (event) => this.#down(event))
    canvas.addEventListener('pointermove', (event) => this.#move(event))
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, (event) => this.#up(event))
    canvas.addEventListener('pointerleave', () => this.#onHover(''))
    canvas.addEventListener('keydown', (event) => this.#key(event))
  }

  show(map, sizes) {
    if (this.#data.map === map && this.#view) return
    this.#data = { ...this.#data, map, sizes }
    this.draw()
  }

  /** Draws a frame around a parcel or a place, and moves there. */
  mark(marked) {
    this.#data.marked = marked
    if (marked) this.#view = { east: marked.east + 0.5, north: marked.north + 0.5, scale: Math.max(this.#view?.scale ?? 0, 12) }
    this.draw()
  }

  /** Shows everything. */
  fit() {
    const [west, south, east, north] = boxOf(this.#data.sizes, this.#data.map)
    const { clientWidth: width, clientHeight: height } = this.#canvas
    const scale = 0.94 * Math.min(width / (east - west), height / (north - south))
    this.#view = { east: (west + east) / 2, north: (south + north) / 2, scale: Math.max(MIN_SCALE, scale) }
    this.draw()
  }

  zoom(factor, at = { x: this.#canvas.clientWidth / 2, y: this.#canvas.clientHeight / 2 }) {
    const before = this.#placeAt(at)
    this.#view.scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, this.#view.scale * factor))
    const after = this.#placeAt(at)
    this.#view.east += before.east - after.east
    this.#view.north += before.north - after.north
    this.draw()
  }

  draw() {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      if (this.#canvas.isConnected && this.#canvas.clientWidth > 0) this.#drawNow()
    })
  }

  #drawNow() {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    if (!this.#view) this.fit()
    const ratio = devicePixelRatio || 1
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.#canvas.width !== wide) this.#canvas.width = wide
    if (this.#canvas.height !== high) this.#canvas.height = high
    const pen = this.#canvas.getContext('2d')
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    const isDark = document.documentElement.dataset.theme === 'dark'
    drawMap(pen, { width, height }, this.#view, { ...this.#data, isDark, palette: colours(this.#canvas) })
  }

  #placeAt({ x, y }) {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    return {
      east: this.#view.east + (x - width / 2) / this.#view.scale,
      north: this.#view.north - (y - height / 2) / this.#view.scale,
    }
  }

  #pan(right, down) {
    this.#view.east -= right / this.#view.scale
    this.#view.north += down / this.#view.scale
    this.draw()
  }

  #wheel(event) {
    event.preventDefault()
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), { x: event.offsetX, y: event.offsetY })
  }

  #down(event) {
    this.#canvas.setPointerCapture(event.pointerId)
    this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY })
    this.#moved = 0
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId)
    const now = { x: event.offsetX, y: event.offsetY }
    if (!this.#view) return
    if (!before) return this.#hover(now)
    this.#moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y)
    const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at)
    if (other) {
      const length = (a) => Math.hypot(a.x - other.x, a.y - other.y)
      this.zoom(length(now) / Math.max(1, length(before)), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 })
    } else this.#pan(now.x - before.x, now.y - before.y)
    this.#pointers.set(event.pointerId, now)
  }

  #up(event) {
    const at = this.#pointers.get(event.pointerId)
    this.#pointers.delete(event.pointerId)
    if (!at || this.#moved > 6 || event.type !== 'pointerup') return
    const island = this.#islandAt(this.#placeAt(at))
    if (island) this.#onIsland(island.id)
  }

  #key(event) {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    const [sideways, upwards] = [width * KEY_STEP, height * KEY_STEP]
    const actions = {
      ArrowLeft: () => this.#pan(sideways, 0),
      ArrowRight: () => this.#pan(-sideways, 0),
      ArrowUp: () => this.#pan(0, upwards),
      ArrowDown: () => this.#pan(0, -upwards),
      '+': () => this.zoom(1.4),
      '=': () => this.zoom(1.4),
      '-': () => this.zoom(1 / 1.4),
      0: () => this.fit(),
    }
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }

  #islandAt({ east, north }) {
    const inside = (this.#data.map?.islands ?? []).filter(({ center, radius }) => {
      const distance = Math.hypot(east - center[0] / PARCEL, north - center[1] / PARCEL)
      return distance <= Math.max(radius / PARCEL, 6 / this.#view.scale)
    })
    return inside.sort((a, b) => a.radius - b.radius)[0]
  }

  #hover(at) {
    const place = this.#placeAt(at)
    const [east, north] = [Math.floor(place.east), Math.floor(place.north)]
    const island = this.#islandAt(place)
    const peers = this.#peersAt(east, north)
    const parts = [`${east},${north}`, peers, island && `island ${island.id}: ${plural(island.peers, 'peer')}`]
    this.#onHover(parts.filter(Boolean).join(' · '))
  }

  #peersAt(east, north) {
    const { tile, tiles } = this.#data.map ?? { tile: 1, tiles: [] }
    const [column, row] = [Math.floor(east / tile), Math.floor(north / tile)]
    for (let at = 0; at < tiles.length; at += 3) {
      if (tiles[at] !== column || tiles[at + 1] !== row) continue
      return tile === 1 ? plural(tiles[at + 2], 'peer') : `${count(tiles[at + 2])} peers in ${tile} × ${tile} parcels`
    }
    return undefined
  }
}
