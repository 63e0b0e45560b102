import { type Box, type CrowdedPlace, crowdedPlaces, frameOf, PLACE_SIZE, pixelsPerMetre, projection } from './frame.ts'
import { parcelNumbers, scaleBar } from './grid.ts'
import { heading, notes, notesOf } from './legend.ts'
import type { MapData } from './map-data.ts'
import { drawPanel, type PanelLimits } from './panel.ts'
import { counted, countOf, escaped, px, shortened } from './style.ts'

const WIDTH = 1360
const HEIGHT = 940
const MAP: Box = { x: 50, y: 22, width: 984, height: 884 }
const SIDE: Box = { x: 1064, y: 22, width: 272, height: 902 }

const MAP_LIMITS: PanelLimits = { dots: 8_000, contours: 1_000, corners: 24_000, labels: 48 }
const INSET_LIMITS: PanelLimits = { dots: 1_500, contours: 60, corners: 4_000, labels: 6 }
const INSETS = 2
/** A crowded place is shown separately when its scale is at least this many times that of the map. */
const MIN_ZOOM = 2
const CAPTION = 24

const STYLE = `
text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;font-size:12px;fill:#26323d}
.paper{fill:#fff}.sea{fill:#edf3f7}.edge{fill:none;stroke:#b9c7d2}
.land path{fill-opacity:.26;stroke-opacity:.75;stroke-width:1.2;fill-rule:evenodd}
.dots path{fill:none;stroke-linecap:round}.dots .alone{stroke:#7b8894}
.parcel{fill:none;stroke:#33506a;stroke-opacity:.08}.strong{stroke-opacity:.16}.origin{stroke-opacity:.36}
.names text{text-anchor:middle;font-size:inherit;paint-order:stroke;stroke:#edf3f7;stroke-opacity:.85;stroke-width:3.5px;stroke-linejoin:round}
.size,.title,.number,.letter{font-weight:700}
.axis text,.quiet{font-size:11.5px;fill:#62717e}.title{font-size:22px}.number{font-size:21px}
.scale path,.look{fill:none;stroke:#26323d;stroke-width:1.4}.scale .sea{fill-opacity:.8}.letter{font-size:14px}
@media (prefers-color-scheme:dark){
text{fill:#dbe4ec}.paper{fill:#0e141a}.sea{fill:#151f29}.edge{stroke:#3a4a58}
.dots .alone{stroke:#8b98a4}.parcel{stroke:#bcd3e6}.names text{stroke:#151f29}
.axis text,.quiet{fill:#93a3b1}.scale path,.look{stroke:#dbe4ec}}
`

/**
 * A map of a realm: the parcels' grid, each island as an area in a colour of its own, each peer as a dot, a legend, and the most crowded
 * places once more at a larger scale. The same data gives the same text, and the text's length is bounded.
 */
export function islandMap(data: MapData): string {
  const spots = [...data.islands.flatMap((island) => island.spots), ...data.peersWithoutIsland]
  const frame = frameOf(spots, MAP)
  const main = drawPanel(data, frame, MAP, MAP_LIMITS)
  const head = heading(data, SIDE)
  const places = SIDE.width / PLACE_SIZE < MIN_ZOOM * pixelsPerMetre(frame, MAP) ? [] : crowdedPlaces(spots, INSETS)
  const foot = notes(notesOf(data, main, places.length > 0), SIDE)
  const room = SIDE.height - head.height - foot.height
  const insetSize = Math.min(SIDE.width, room / INSETS - CAPTION - 8)
  const title = `${shortened(data.realm || 'A realm', 40)}: ${countOf(data.peers, 'peer')} on ${countOf(data.islands.length, 'island')}`
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="10"/>`,
    main.svg,
    ...places.map((place, i) => outline(place, letterOf(i), projection(frame, MAP))),
    edge(MAP),
    parcelNumbers(frame, MAP),
    scaleBar(frame, MAP),
    head.svg,
    ...places.map((place, i) => {
      const y = SIDE.y + head.height + 8 + i * (insetSize + CAPTION + 8)
      const box = { x: SIDE.x, y: y + CAPTION, width: insetSize, height: insetSize }
      return inset(data, place, letterOf(i), box)
    }),
    foot.svg,
    ...(data.peers === 0
      ? [
          `<text class="title" x="${px(MAP.x + MAP.width / 2)}" y="${px(MAP.y + MAP.height / 2)}" text-anchor="middle">There are no peers.</text>`,
        ]
      : []),
    '</svg>',
  ].join('\n')}\n`
}

const letterOf = (i: number): string => String.fromCharCode(65 + i)

const edge = ({ x, y, width, height }: Box): string =>
  `<rect class="edge" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" rx="2"/>`

/** Marks on the map which place is shown at a larger scale. */
function outline({ frame }: CrowdedPlace, letter: string, project: ReturnType<typeof projection>): string {
  const corner = project({ x: frame.west, z: frame.north })
  const opposite = project({ x: frame.east, z: frame.south })
  const box = { x: MAP.x + corner.x, y: MAP.y + corner.y, width: opposite.x - corner.x, height: opposite.y - corner.y }
  return [
    `<rect class="look" x="${px(box.x)}" y="${px(box.y)}" width="${px(box.width)}" height="${px(box.height)}" rx="2"/>`,
    `<text class="letter" x="${px(box.x + box.width + 4)}" y="${px(box.y + 12)}">${letter}</text>`,
  ].join('')
}

function inset(data: MapData, { frame }: CrowdedPlace, letter: string, box: Box): string {
  const panel = drawPanel(data, frame, box, INSET_LIMITS)
  const thinned = panel.dots < panel.peers ? `, ${counted(panel.dots)} drawn` : ''
  return [
    `<text class="letter" x="${px(box.x)}" y="${px(box.y - 8)}">${letter}</text>`,
    `<text x="${px(box.x + 18)}" y="${px(box.y - 8)}">${countOf(panel.peers, 'peer')} on ${countOf(panel.islands, 'island')}${thinned}</text>`,
    panel.svg,
    edge(box),
    scaleBar(frame, box),
  ].join('\n')
}
