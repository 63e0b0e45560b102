/** A URL that paths are appended to, without the slashes at its end. */
export function withoutTrailingSlash(url: string): string {
  let end = url.length
  while (url.endsWith('/', end)) end--
  return url.slice(0, end)
}
