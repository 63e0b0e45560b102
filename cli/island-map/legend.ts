import type { Box } from './frame.ts'
import { MAX_MAPPED_PEERS, type MapData } from './map-data.ts'
import type { Panel } from './panel.ts'
import { colourOf, counted, countOf, escaped, idAfter, px, shortened } from './style.ts'

/** Islands listed by size. */
const LISTED = 6
/** Characters in a line of notes. */
const NOTE_WIDTH = 44
const ROW = 21

/** The realm's name, the time, the numbers of peers and islands, and the largest islands. */
export function heading(
  { realm, takenAt, peers, islands, idPrefix }: MapData,
  { x, y, width }: Box,
): { svg: string; height: number } {
  const largest = islands[0]?.size ?? 0
  const rows = islands.slice(0, LISTED)
  const barWidth = width - 170
  const numbers: [string, string][] = [
    [counted(peers), peers === 1 ? 'peer' : 'peers'],
    [counted(islands.length), islands.length === 1 ? 'island' : 'islands'],
    [counted(largest), 'largest'],
  ]
  // Three columns: peers and islands may have six digits.
  const columns = [0, 0.4, 0.78]
  const svg = [
    `<text class="title" x="${px(x)}" y="${px(y + 20)}">${escaped(shortened(realm || 'A realm', 22))}</text>`,
    `<text class="quiet" x="${px(x)}" y="${px(y + 40)}">${escaped(shortened(takenAt, 40))}</text>`,
    ...numbers.map(
      ([number, noun], i) =>
        `<text class="number" x="${px(x + (columns[i] ?? 0) * width)}" y="${px(y + 80)}">${number}</text>` +
        `<text class="quiet" x="${px(x + (columns[i] ?? 0) * width)}" y="${px(y + 97)}">${noun}</text>`,
    ),
    ...rows.map(({ id, size }, i) => {
      const top = y + 118 + i * ROW
      return [
        `<rect x="${px(x)}" y="${px(top)}" width="${px(Math.max(3, (barWidth * size) / largest))}" height="13" rx="3" fill="${colourOf(id)}"/>`,
        `<text class="size" x="${px(x + barWidth + 40)}" y="${px(top + 11)}" text-anchor="end">${counted(size)}</text>`,
        `<text x="${px(x + barWidth + 50)}" y="${px(top + 11)}">${escaped(idAfter(idPrefix, id, 16))}</text>`,
      ].join('')
    }),
  ].join('\n')
  return { svg, height: 118 + rows.length * ROW }
}

/** Explains the map, and says of everything that was left out how much it is. */
export function notesOf(
  { islands, idPrefix, peersWithoutIsland, outsideWorld, skipped, peers }: MapData,
  main: Panel,
  isZoomed: boolean,
): string[] {
  const beyond = peers - outsideWorld - main.peers
  const unmapped = islands.length - main.islands
  return [
    'A dot is a peer, land is an island. The grid is of parcels, 16 m wide; north is up.',
    ...(isZoomed ? ['Above: the most crowded places, closer.'] : []),
    ...(idPrefix ? [`All ids begin with ${shortened(idPrefix, 34)}.`] : []),
    ...(main.dots < main.peers
      ? [`Thinned: ${counted(main.dots)} of ${countOf(main.peers, 'peer')} are drawn, evenly chosen.`]
      : []),
    ...(main.contours < main.islands
      ? [`${counted(main.contours)} of ${countOf(main.islands, 'island')} have land; peers of the others are grey.`]
      : []),
    ...(peersWithoutIsland.length > 0 ? [`${countOf(peersWithoutIsland.length, 'peer')} on no island, in grey.`] : []),
    ...(beyond > 0 ? [`${countOf(beyond, 'peer')} beyond the edge of the map.`] : []),
    ...(outsideWorld > 0 ? [`${countOf(outsideWorld, 'peer')} at no place in the world.`] : []),
    ...(unmapped > 0 ? [`${countOf(unmapped, 'island')} not on the map for that.`] : []),
    ...(skipped > 0 ? [`${countOf(skipped, 'peer')} not counted: ${counted(MAX_MAPPED_PEERS)} are the most a map takes.`] : []),
  ]
}

/** Sentences below each other, the last line at the bottom of a box. */
export function notes(sentences: readonly string[], { x, y, height }: Box): { svg: string; height: number } {
  const lines = sentences.flatMap(wrapped)
  const top = y + height - lines.length * 16
  const svg = lines.map((line, i) => `<text class="quiet" x="${px(x)}" y="${px(top + 13 + i * 16)}">${escaped(line)}</text>`)
  return { svg: svg.join('\n'), height: lines.length * 16 }
}

function wrapped(sentence: string): string[] {
  const lines: string[] = ['']
  for (const word of sentence.split(' ')) {
    const line = lines.pop() ?? ''
    if (line && line.length + 1 + word.length > NOTE_WIDTH) lines.push(line, word)
    else lines.push(line ? `${line} ${word}` : word)
  }
  return lines
}
