import { LRUCache } from 'lru-cache'

/**
 * A cache of the entries that were used last, `most` of them. It grows with them: one that is given its number of entries as `max` takes the
 * memory for all of them when it is made, which for a hundred thousand are two megabytes and some ten milliseconds.
 */
export const growingCache = <Key extends {}, Value extends {}>(
  most: number,
  options: Pick<LRUCache.Options<Key, Value, unknown>, 'ttl' | 'ttlResolution' | 'perf'> = {},
): LRUCache<Key, Value> => new LRUCache<Key, Value>({ maxSize: most, sizeCalculation: () => 1, ...options })
