/**
 * Splits a request target into path and query; both are untrusted, neither is decoded here. A fragment, which no client should
 * send, ends either of them as it does for the router.
 */
export function splitTarget(target: string): { pathname: string; query: string } {
  const [, pathname = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(target) ?? []
  return { pathname, query }
}

/** The path that is looked up: explorers put two slashes where a base URL with a slash at its end meets a path. */
export const routedPath = (pathname: string): string => (pathname.includes('//') ? pathname.replace(/\/{2,}/g, '/') : pathname)
