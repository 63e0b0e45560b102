import type { IncomingHttpHeaders } from 'node:http'
import { middleOf } from './core/countries.ts'
import type { Location } from './core/location.ts'

/** The headers in which the CDN or the proxy in front of this service says where a client is. A client can write them, too, and gains nothing. */
export interface LocationHeaders {
  /** With the ISO 3166 alpha-2 code of a country; the first that is present counts. */
  country: readonly string[]
  /** With degrees; both or none. */
  latitude?: string | undefined
  longitude?: string | undefined
}

/** Where clients are. */
export interface ClientLocations {
  /** Names of the headers, for `Vary`. */
  headers: readonly string[]
  /** By coordinates where they are known, else by the middle of the country. */
  of(headers: IncomingHttpHeaders): Location | undefined
}

export function clientLocations({ country, latitude, longitude }: LocationHeaders): ClientLocations {
  const coordinates = latitude && longitude ? ([latitude.toLowerCase(), longitude.toLowerCase()] as const) : undefined
  const countries = country.map((name) => name.toLowerCase())
  return {
    headers: [...country, ...(latitude && longitude ? [latitude, longitude] : [])],
    of(headers) {
      const exact = coordinates && locationIn(headers[coordinates[0]], headers[coordinates[1]])
      if (exact) return exact
      for (const name of countries) {
        const value = headers[name]
        const middle = typeof value === 'string' ? middleOf(value.trim()) : undefined
        if (middle) return middle
      }
      return undefined
    },
  }
}

function locationIn(latitude: string | string[] | undefined, longitude: string | string[] | undefined): Location | undefined {
  const [north, east] = [degreesOf(latitude, 90), degreesOf(longitude, 180)]
  return north === undefined || east === undefined ? undefined : { latitude: north, longitude: east }
}

const degreesOf = (value: string | string[] | undefined, most: number): number | undefined =>
  typeof value === 'string' && /^[+-]?\d{1,3}(\.\d{1,15})?$/.test(value.trim()) && Math.abs(Number(value)) <= most
    ? Number(value)
    : undefined
