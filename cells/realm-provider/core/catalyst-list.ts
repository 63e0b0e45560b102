import { withoutTrailingSlash } from '../../chassis/base-url.ts'

/** Most catalysts that are read from one list. */
const MAX_LISTED = 64
/** As in the Realm CRD. */
const MAX_URL_LENGTH = 253

/**
 * Reads a list of catalysts, as `/lambdas/contracts/servers` of a catalyst answers: objects with the `baseUrl` of one each. Entries without a
 * usable one are left out. Undefined where it is not a list, or none is left: what was read before holds then.
 *
 * @param mayUse whether catalysts at a URL may be used; what a name resolves to is checked when it is connected to
 */
export function readCatalystList(body: unknown, mayUse: (url: URL) => boolean): readonly string[] | undefined {
  if (!Array.isArray(body)) return undefined
  const urls = new Set<string>()
  for (const entry of body as readonly unknown[]) {
    if (urls.size >= MAX_LISTED) break
    const url = baseUrlOf(entry)
    if (url && mayUse(url)) urls.add(withoutTrailingSlash(url.href))
  }
  return urls.size > 0 ? [...urls] : undefined
}

function baseUrlOf(entry: unknown): URL | undefined {
  const { baseUrl } = (entry ?? {}) as { baseUrl?: unknown }
  if (typeof baseUrl !== 'string' || baseUrl.length > MAX_URL_LENGTH || !/^https?:\/\/[^\s?#@]+$/.test(baseUrl)) return undefined
  return URL.parse(baseUrl) ?? undefined
}
