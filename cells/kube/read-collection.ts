import type { KubeClient, KubeQuery } from './kube-client.ts'
import type { KubeObject } from './kube-object.ts'

/** What is read, and which of it. */
export interface CollectionQuery {
  client: Pick<KubeClient, 'list'>
  /** Path of a collection, of one namespace or of all. */
  path: string
  selectors: KubeQuery
  signal: AbortSignal
}

const PAGE_SIZE = 500

/**
 * Reads a whole collection as it is now, and hands over each object with the kind that lists leave out.
 *
 * @returns its version, at which a watch may begin
 * @throws KubeError when a page cannot be read
 */
export async function readCollection<Live extends KubeObject>(
  { client, path, selectors, signal }: CollectionQuery,
  onObject: (live: Live) => void,
): Promise<string> {
  // No version: never older than what was known before, and in pages, so that no response is as large as the collection.
  const query: KubeQuery = { ...selectors, limit: PAGE_SIZE }
  let next: string | undefined
  let version = ''
  do {
    const page = await client.list<Live>(path, { ...query, continue: next }, signal)
    for (const live of page.items) {
      live.apiVersion ??= page.apiVersion
      live.kind ??= page.kind.slice(0, -'List'.length)
      onObject(live)
    }
    next = page.metadata.continue || undefined
    version = page.metadata.resourceVersion
  } while (next)
  return version
}
