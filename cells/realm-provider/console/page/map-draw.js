/** Metres on the side of a parcel. */
export const PARCEL = 16

/** The colours of the theme, read once per drawing. */
export function colours(element) {
  const style = getComputedStyle(element)
  const of = (name) => style.getPropertyValue(name).trim()
  return {
    paper: of('--paper'),
    land: of('--land'),
    line: of('--line'),
    ink: of('--ink'),
    soft: of('--soft'),
    accent: of('--accent'),
    heat: [0, 1, 2, 3, 4].map((step) => of(`--heat-${step}`)),
  }
}

/** Peers per parcel from which the next colour holds. */
export const HEAT_STEPS = [0, 0.5, 2, 8, 32]
const heatOf = (perParcel) => HEAT_STEPS.findLastIndex((from) => perParcel >= from)

/** The colour of an island: the same for the same id. */
export function islandColour(id, isDark) {
  let hash = 7
  for (const letter of id) hash = (hash * 31 + letter.charCodeAt(0)) % 360
  return `hsl(${hash} 62% ${isDark ? 66 : 40}%)`
}

/** The box of parcels that a map shows: its land, or where its peers are. [west, south, east, north] */
export function boxOf(sizes, map) {
  const box = [Infinity, Infinity, -Infinity, -Infinity]
  const include = (west, south, east, north) => {
    box[0] = Math.min(box[0], west)
    box[1] = Math.min(box[1], south)
    box[2] = Math.max(box[2], east)
    box[3] = Math.max(box[3], north)
  }
  for (const { left, bottom, right, top } of sizes) include(left, bottom, right + 1, top + 1)
  if (sizes.length === 0 && map) {
    const { tile, tiles } = map
    for (let at = 0; at < tiles.length; at += 3)
      include(tiles[at] * tile, tiles[at + 1] * tile, (tiles[at] + 1) * tile, (tiles[at + 1] + 1) * tile)
  }
  return Number.isFinite(box[0]) ? box : [-10, -10, 10, 10]
}

/** Draws a map. `view` has the middle in parcels and pixels per parcel; `pen` is scaled to CSS pixels. */
export function drawMap(pen, { width, height }, view, { map, sizes, marked, isDark, palette }) {
  const x = (east) => width / 2 + (east - view.east) * view.scale
  const y = (north) => height / 2 - (north - view.north) * view.scale
  pen.fillStyle = palette.paper
  pen.fillRect(0, 0, width, height)
  pen.fillStyle = palette.land
  for (const { left, bottom, right, top } of sizes)
    pen.fillRect(x(left), y(top + 1), (right + 1 - left) * view.scale, (top + 1 - bottom) * view.scale)
  drawGrid(pen, { width, height }, view, palette, x, y)
  if (map) {
    if (map.dots) drawDots(pen, { width, height }, map, view, x, y, palette, isDark)
    else drawHeat(pen, map, view, x, y, palette)
    drawIslands(pen, map, view, x, y, palette, isDark)
  }
  if (marked) drawMark(pen, marked, view, x, y, palette)
}

function drawGrid(pen, { width, height }, view, palette, x, y) {
  const step = [1, 5, 10, 50, 100, 500].find((each) => each * view.scale >= 56) ?? 1000
  pen.strokeStyle = palette.line
  pen.fillStyle = palette.soft
  pen.lineWidth = 1
  pen.font = '10px system-ui, sans-serif'
  pen.beginPath()
  const [west, north] = [view.east - width / 2 / view.scale, view.north + height / 2 / view.scale]
  for (let column = Math.ceil(west / step) * step; x(column) < width; column += step) {
    pen.moveTo(Math.round(x(column)) + 0.5, 0)
    pen.lineTo(Math.round(x(column)) + 0.5, height)
    pen.fillText(String(column), x(column) + 3, height - 4)
  }
  for (let row = Math.floor(north / step) * step; y(row) < height; row -= step) {
    pen.moveTo(0, Math.round(y(row)) + 0.5)
    pen.lineTo(width, Math.round(y(row)) + 0.5)
    pen.fillText(String(row), 3, y(row) - 3)
  }
  pen.globalAlpha = 0.6
  pen.stroke()
  pen.globalAlpha = 1
}

function drawHeat(pen, { tile, tiles }, view, x, y, palette) {
  const side = tile * view.scale
  // A gap between tiles only where they are large enough to be told apart.
  const gap = side > 8 ? 1 : 0
  for (let at = 0; at < tiles.length; at += 3) {
    pen.fillStyle = palette.heat[heatOf(tiles[at + 2] / (tile * tile))]
    const [left, top] = [x(tiles[at] * tile), y((tiles[at + 1] + 1) * tile)]
    const grown = Math.max(side, 2)
    pen.fillRect(left, top, grown - gap + (gap ? 0 : 0.5), grown - gap + (gap ? 0 : 0.5))
  }
}

function drawDots(pen, { width, height }, { dots, islands }, view, x, y, palette, isDark) {
  const radius = Math.max(1.5, Math.min(5, view.scale * 0.12))
  const colour = islands.map(({ id }) => islandColour(id, isDark))
  let last
  for (let at = 0; at < dots.length; at += 3) {
    const [left, top] = [x(dots[at] / PARCEL), y(dots[at + 1] / PARCEL)]
    if (left < -radius || top < -radius || left > width + radius || top > height + radius) continue
    const ink = colour[dots[at + 2]] ?? palette.soft
    if (ink !== last) pen.fillStyle = last = ink
    pen.beginPath()
    pen.arc(left, top, radius, 0, 7)
    pen.fill()
  }
}

function drawIslands(pen, { islands, dots }, view, x, y, palette, isDark) {
  // Where heat says how many there are, outlines must not hide it.
  pen.globalAlpha = dots ? 1 : 0.7
  pen.lineWidth = 1.25
  pen.font = '600 11px system-ui, sans-serif'
  for (const { id, center, radius, peers } of islands) {
    const around = Math.max(4, (radius / PARCEL) * view.scale)
    if (peers < 2 || around < 5) continue
    pen.strokeStyle = dots ? islandColour(id, isDark) : palette.ink
    pen.beginPath()
    pen.arc(x(center[0] / PARCEL), y(center[1] / PARCEL), around, 0, 7)
    pen.stroke()
    if (around < 26) continue
    pen.fillStyle = palette.ink
    pen.fillText(String(peers), x(center[0] / PARCEL) + around * 0.72, y(center[1] / PARCEL) - around * 0.72)
  }
  pen.globalAlpha = 1
}

function drawMark(pen, { east, north, side = 1 }, view, x, y, palette) {
  const length = Math.max(14, side * view.scale)
  const [left, top] = [x(east + side / 2) - length / 2, y(north + side / 2) - length / 2]
  pen.strokeStyle = palette.ink
  pen.lineWidth = 2
  pen.strokeRect(left, top, length, length)
}

/** Draws the small picture of a card. */
export function drawOverview(canvas, overview, sizes, palette) {
  const { clientWidth: width, clientHeight: height } = canvas
  const ratio = devicePixelRatio || 1
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext('2d')
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  const box = overview?.box ?? boxOf(sizes)
  const [west, south, east, north] = box
  const scale = Math.min((width - 16) / (east - west), (height - 16) / (north - south))
  const x = (at) => width / 2 + (at - (west + east) / 2) * scale
  const y = (at) => height / 2 - (at - (south + north) / 2) * scale
  pen.fillStyle = palette.land
  for (const { left, bottom, right, top } of sizes)
    pen.fillRect(x(left), y(top + 1), (right + 1 - left) * scale, (top + 1 - bottom) * scale)
  if (!overview) return
  const { field, origin } = overview
  // By the densest field: a card shows where people are, not how many.
  const most = Math.max(...[...overview.levels].map((level) => Number.parseInt(level, 36)))
  for (let at = 0; at < overview.levels.length; at++) {
    const level = Number.parseInt(overview.levels[at], 36)
    if (level === 0) continue
    pen.fillStyle = palette.heat[Math.min(4, Math.floor((level / (Math.max(most, 4) + 1)) * 5))]
    const side = Math.max(2, field * scale) + 0.5
    pen.fillRect(x(origin[0] + (at % 40) * field), y(origin[1] + (Math.floor(at / 40) + 1) * field), side, side)
  }
}
