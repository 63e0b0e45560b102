import type { Poller } from '../../chassis/poller.ts'
import { shareFairly } from '../core/fair-share.ts'

/** Has a poller ask these URLs from now on, new ones at once, and no other; beyond `limit`, tenants share the room in turns. */
export function followFairly<Target>(
  poller: Pick<Poller<Target, never>, 'targets' | 'forget' | 'watch'>,
  wanted: readonly { tenant: string; url: string }[],
  limit: number,
  create: (url: string) => Target,
): void {
  const followed = shareFairly(
    wanted.map(({ tenant, url }) => ({ tenant, item: url })),
    limit,
  )
  for (const [url] of poller.targets()) if (!followed.has(url)) poller.forget(url)
  for (const url of followed) poller.watch(url, () => create(url))
}
