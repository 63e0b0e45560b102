const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
/** First segments of paths that the realm provider serves itself. */
const RESERVED = new Set(['realms', 'ping', 'status', 'hot-scenes', 'health', 'metrics', 'console', 'cells', 'publications'])

/** Whether a realm of another cluster may have this name, so that its `/about` is reachable and hides no path of the provider. */
export const isRealmName = (name: string): boolean => NAME.test(name) && !RESERVED.has(name)
