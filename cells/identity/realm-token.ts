import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The token with which the services of a realm show the movement relay for which realm they speak. Every realm has another one, and
 * only who knows the key can make them: a tenant cannot speak for the realm of another one.
 *
 * @param realmName as players announce it; the case makes no difference
 */
export const realmToken = (key: string, realmName: string): string =>
  createHmac('sha256', key).update(`movement-relay:${realmName.toLowerCase()}`).digest('hex')

/** Whether a header `authorization` carries the token of a realm. The time taken does not reveal how much of it was right. */
export function hasRealmToken(authorization: string | undefined, key: string, realmName: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${realmToken(key, realmName)}`))
}
