import { createHash, timingSafeEqual } from 'node:crypto'
import { Refusal } from '../../chassis/errors.ts'
import type { HttpRequest } from '../../chassis/http.ts'

/** @throws Refusal UNAUTHORIZED with the given message unless the request carries the token */
export function requireToken({ headers }: Pick<HttpRequest, 'headers'>, token: string, message: string): void {
  if (!hasToken({ headers }, token)) throw new Refusal('UNAUTHORIZED', message)
}

/** Compares digests, so that the time taken does not reveal how much of the token was right. */
export function hasToken({ headers }: Pick<HttpRequest, 'headers'>, token: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`))
}
