import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The token with which the services of a realm show the movement relay for which realm they speak. Every realm has another one, and
 * only who knows the key can make them: a tenant cannot speak for the realm of another one.
 *
 * @param realmName as players announce it; the case makes no difference
 */
export const realmToken = (key: string, realmName: string): string =>
  createHmac('sha256', key).update(`movement-relay:${realmName.toLowerCase()}`).digest('hex')

/** What tells two keys apart, and nothing more of them. */
export const realmKeyId = (key: string): string => createHash('sha256').update(`id:${key}`).digest('hex').slice(0, 8)

/**
 * The keys in a file, one a line. The first makes the tokens, all are accepted: a new one is put before the one it replaces.
 */
export const realmKeysIn = (text: string): string[] => text.split('\n').flatMap((line) => line.trim() || [])

/** Whether a header `authorization` carries the token of a realm under one of the keys. The time taken does not reveal how much of it was right. */
export function hasRealmToken(authorization: string | undefined, keys: readonly string[], realmName: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest()
  const given = digest(authorization ?? '')
  return keys.some((key) => timingSafeEqual(given, digest(`Bearer ${realmToken(key, realmName)}`)))
}
