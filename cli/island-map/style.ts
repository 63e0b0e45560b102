import { fnv1a } from '../../cells/chassis/fnv1a.ts'

/**
 * Text as SVG may carry it: markup escaped, and what XML cannot say or what would turn the reading direction of its surroundings
 * replaced. Every text that comes from outside passes through here.
 */
export const escaped = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 forbids
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)

/** A name of at most `length` characters: the middle goes, because ids differ at their end. */
export function shortened(name: string, length: number): string {
  const characters = [...name]
  if (characters.length <= length) return name
  const tail = Math.ceil((length - 1) * 0.6)
  return `${characters.slice(0, length - 1 - tail).join('')}…${characters.slice(-tail).join('')}`
}

/** An id without what all ids begin with, of at most `length` characters. */
export const idAfter = (start: string, id: string, length: number): string =>
  shortened(start ? `…${id.slice(start.length)}` : id, length)

/** A number of pixels, to a tenth, in as few characters as possible. */
export const px = (value: number): string => String(Math.round(value * 10) / 10 || 0).replace(/^(-?)0\./, '$1.')

/** A count with separators: 20,000. */
export const counted = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** `1 peer`, `20,000 peers`. */
export const countOf = (count: number, noun: string): string => `${counted(count)} ${noun}${count === 1 ? '' : 's'}`

/** Turn from one hue to the next (golden ratio): neighbours in a series of any length are as different as possible. */
const GOLDEN_TURN = 0.618034

/**
 * The colour of an island: always the same for the same id, equally strong for every id, legible on light and on dark paper. Ids end in
 * a counter in base 36, so islands created one after the other, which are often next to each other, have very different colours.
 */
export function colourOf(id: string): string {
  const [counter = ''] = /[0-9a-z]{0,8}$/.exec(id) ?? []
  const number = counter ? Number.parseInt(counter, 36) : 0
  const turn = (fnv1a(id.slice(0, id.length - counter.length)) / 2 ** 32 + number * GOLDEN_TURN) % 1
  return hexOf({ lightness: [0.6, 0.66, 0.72][number % 3] ?? 0.66, chroma: 0.15, turn })
}

/** From OKLCH, whose lightness is what eyes see, to sRGB, which every viewer can show. */
function hexOf({ lightness, chroma, turn }: { lightness: number; chroma: number; turn: number }): string {
  const a = chroma * Math.cos(turn * 2 * Math.PI)
  const b = chroma * Math.sin(turn * 2 * Math.PI)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const channels = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ]
  return `#${channels.map((linear) => channelOf(linear).toString(16).padStart(2, '0')).join('')}`
}

function channelOf(linear: number): number {
  const light = Math.min(1, Math.max(0, linear))
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055))
}
