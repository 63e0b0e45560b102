import { PARCEL_SIZE } from '../../cells/wire/peer.ts'
import { type Box, type Frame, pixelsPerMetre, projection } from './frame.ts'
import { px } from './style.ts'

/** Parcels from one line to the next, of which the first that leaves enough room is taken. */
const STEPS = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000]
const LINE_PX = 9
const NUMBER_PX = 56

/** Lines between parcels, as many as are good to look at; those with a number are stronger, the two through 0 strongest. */
export function parcelLines(frame: Frame, box: Box): string {
  const scale = pixelsPerMetre(frame, box)
  const [fine, strong] = [stepFor(scale, LINE_PX), stepFor(scale, NUMBER_PX)]
  const isStrong = (parcel: number) => parcel % strong === 0
  return [
    linesAt(frame, box, fine, (parcel) => !isStrong(parcel), 'parcel'),
    linesAt(frame, box, strong, (parcel) => parcel !== 0, 'parcel strong'),
    linesAt(frame, box, strong, (parcel) => parcel === 0, 'parcel origin'),
  ].join('')
}

function linesAt(frame: Frame, box: Box, step: number, isWanted: (parcel: number) => boolean, style: string): string {
  const project = projection(frame, box)
  const across = parcelsFrom(frame.west, frame.east, step).filter(isWanted)
  const up = parcelsFrom(frame.south, frame.north, step).filter(isWanted)
  const path = [
    ...across.map((parcel) => `M${px(project({ x: parcel * PARCEL_SIZE, z: 0 }).x)} 0v${px(box.height)}`),
    ...up.map((parcel) => `M0 ${px(project({ x: 0, z: parcel * PARCEL_SIZE }).y)}h${px(box.width)}`),
  ].join('')
  return path && `<path class="${style}" d="${path}"/>\n`
}

/** The coordinates of parcels, below and to the left of a box. */
export function parcelNumbers(frame: Frame, box: Box): string {
  const project = projection(frame, box)
  const step = stepFor(pixelsPerMetre(frame, box), NUMBER_PX)
  const across = parcelsFrom(frame.west, frame.east, step).map((parcel) => {
    const { x } = project({ x: parcel * PARCEL_SIZE, z: 0 })
    return `<text x="${px(box.x + x)}" y="${px(box.y + box.height + 16)}" text-anchor="middle">${signed(parcel)}</text>`
  })
  const up = parcelsFrom(frame.south, frame.north, step).map((parcel) => {
    const { y } = project({ x: 0, z: parcel * PARCEL_SIZE })
    return `<text x="${px(box.x - 7)}" y="${px(box.y + y + 4)}" text-anchor="end">${signed(parcel)}</text>`
  })
  return `<g class="axis">\n${[...across, ...up].join('\n')}\n</g>`
}

/** A bar of a round number of metres in the lower left corner of a box. */
export function scaleBar(frame: Frame, box: Box): string {
  const scale = pixelsPerMetre(frame, box)
  const longest = 180 / scale
  const power = 10 ** Math.floor(Math.log10(longest))
  const metres = ([5, 2, 1].find((digit) => digit * power <= longest) ?? 1) * power
  const [x, y, width] = [box.x + 16, box.y + box.height - 16, metres * scale]
  const label = metres >= 1_000 ? `${metres / 1_000} km` : `${metres} m`
  return [
    `<g class="scale"><rect class="sea" x="${px(x - 8)}" y="${px(y - 20)}" width="${px(width + 16)}" height="28" rx="4"/>`,
    `<path d="M${px(x)} ${px(y - 6)}v6h${px(width)}v-6"/>`,
    `<text x="${px(x + width / 2)}" y="${px(y - 6)}" text-anchor="middle">${label}</text></g>`,
  ].join('')
}

const stepFor = (scale: number, room: number): number =>
  STEPS.find((step) => step * PARCEL_SIZE * scale >= room) ?? STEPS.at(-1) ?? 1

function parcelsFrom(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / PARCEL_SIZE / step)
  const last = Math.floor(high / PARCEL_SIZE / step)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step || 0)
}

const signed = (parcel: number): string => (parcel < 0 ? `−${-parcel}` : String(parcel))
