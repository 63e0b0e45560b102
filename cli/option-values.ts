import { InvalidArgumentError, Option } from 'commander'
import { withoutTrailingSlash } from '../cells/chassis/base-url.ts'
import { spanOf } from './cluster/span.ts'

// How values of options are read. Each throws commander's InvalidArgumentError with what was expected.

export function portNumber(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}

export function seconds(text: string): number {
  const number = Number(text)
  if (!(number >= 1 && number <= 3_600)) throw new InvalidArgumentError('expected a number of seconds from 1 to 3600.')
  return number
}

export function days(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number <= 36_500)) throw new InvalidArgumentError('expected a number of days up to 36500.')
  return number
}

export function httpUrl(text: string): string {
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) throw new InvalidArgumentError('expected http://… or https://….')
  return withoutTrailingSlash(text)
}

/** A time such as 10m, in milliseconds. */
export function span(text: string): number {
  const ms = spanOf(text)
  if (ms === undefined) throw new InvalidArgumentError('expected a time such as 90s, 10m or 1h.')
  return ms
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a number, such as 3.')
  return Number(text)
}

/** A parcel such as 10,-4. */
export function parcel(text: string): readonly [number, number] {
  const [, x, y] = /^(-?\d{1,5}),(-?\d{1,5})$/.exec(text) ?? []
  if (x === undefined || y === undefined) throw new InvalidArgumentError('expected a parcel such as 10,-4.')
  return [Number(x), Number(y)]
}

/** An option with a span of time, whose default the help shows as people write it. */
export const spanOption = (flags: string, description: string, by: string): Option =>
  new Option(flags, description).argParser(span).default(span(by), by)
