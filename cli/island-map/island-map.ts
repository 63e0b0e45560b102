import type { Census } from './map-data.ts'
import { type Box, type CrowdedPlace, crowdedPlaces, frameOf, PLACE_SIZE, projection, scaleOf } from './frame.ts'
import { parcelNumbers, scaleBar } from './grid.ts'
import { counted, countOf, escaped, px, shortened } from './style.ts'
import { heading, notes, notesOf } from './legend.ts'
import { drawSheet, type SheetLimits } from './panel.ts'

const WIDTH = 1360
const HEIGHT = 940
const MAP: Box = { x: 50, y: 22, width: 984, height: 884 }
const SIDE: Box = { x: 1064, y: 22, width: 272, height: 902 }

const MAP_LIMITS: SheetLimits = { dots: 8_000, coasts: 1_000, corners: 24_000, labels: 48 }
const INSET_LIMITS: SheetLimits = { dots: 1_500, coasts: 60, corners: 4_000, labels: 6 }
const INSETS = 2
/** A closer look has to be this much closer to be worth its place. */
const WORTH = 2
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
 * A map of a realm for people: water, the parcels' grid, each island as land in a colour of its own, each peer as a dot, a legend, and
 * the most crowded places once more from closer by. The same census gives the same text; its length is bounded, whatever the census.
 */
export function islandMap(census: Census): string {
  const spots = [...census.islands.flatMap((island) => island.spots), ...census.loners]
  const frame = frameOf(spots, MAP)
  const main = drawSheet(census, frame, MAP, MAP_LIMITS)
  const head = heading(census, SIDE)
  const places = SIDE.width / PLACE_SIZE < WORTH * scaleOf(frame, MAP) ? [] : crowdedPlaces(spots, INSETS)
  const foot = notes(notesOf(census, main, places.length > 0), SIDE)
  const room = SIDE.height - head.height - foot.height
  const insetSize = Math.min(SIDE.width, room / INSETS - CAPTION - 8)
  const title = `${shortened(census.realm || 'A realm', 40)}: ${countOf(census.peers, 'peer')} on ${countOf(census.islands.length, 'island')}`
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
      return inset(census, place, letterOf(i), box)
    }),
    foot.svg,
    ...(census.peers === 0
      ? [
          `<text class="title" x="${px(MAP.x + MAP.width / 2)}" y="${px(MAP.y + MAP.height / 2)}" text-anchor="middle">Nobody is here.</text>`,
        ]
      : []),
    '</svg>',
  ].join('\n')}\n`
}

const letterOf = (i: number): string => String.fromCharCode(65 + i)

const edge = ({ x, y, width, height }: Box): string =>
  `<rect class="edge" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" rx="2"/>`

/** Where on the map a closer look is taken. */
function outline({ frame }: CrowdedPlace, letter: string, project: ReturnType<typeof projection>): string {
  const corner = project({ x: frame.west, z: frame.north })
  const opposite = project({ x: frame.east, z: frame.south })
  const box = { x: MAP.x + corner.x, y: MAP.y + corner.y, width: opposite.x - corner.x, height: opposite.y - corner.y }
  return [
    `<rect class="look" x="${px(box.x)}" y="${px(box.y)}" width="${px(box.width)}" height="${px(box.height)}" rx="2"/>`,
    `<text class="letter" x="${px(box.x + box.width + 4)}" y="${px(box.y + 12)}">${letter}</text>`,
  ].join('')
}

function inset(census: Census, { frame }: CrowdedPlace, letter: string, box: Box): string {
  const sheet = drawSheet(census, frame, box, INSET_LIMITS)
  const thinned = sheet.dots < sheet.peers ? `, ${counted(sheet.dots)} drawn` : ''
  return [
    `<text class="letter" x="${px(box.x)}" y="${px(box.y - 8)}">${letter}</text>`,
    `<text x="${px(box.x + 18)}" y="${px(box.y - 8)}">${countOf(sheet.peers, 'peer')} on ${countOf(sheet.islands, 'island')}${thinned}</text>`,
    sheet.svg,
    edge(box),
    scaleBar(frame, box),
  ].join('\n')
}
