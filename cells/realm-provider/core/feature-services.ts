import type { RealmSpec } from '../../../crds/realm.ts'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'

type Content = RealmSpec['content']

/** As `/about` shows a service beside content and profiles, such as events or places. */
export interface FeatureService {
  publicUrl: string
  healthy: boolean
}

/** Decentraland's services have it. */
const DEFAULT_HEALTH_PATH = '/ping'

/** The URLs by which the services of a realm are asked whether they work, by name. */
export const healthUrlsOf = ({ services = [] }: Content): [name: string, healthUrl: string][] =>
  services.map(({ name, url, healthPath = DEFAULT_HEALTH_PATH }) => [name, `${withoutTrailingSlash(url)}${healthPath}`])

/** The services of a realm by name; undefined where it has none. */
export function featureServices(
  content: Content,
  isHealthy: (healthUrl: string) => boolean,
): Readonly<Record<string, FeatureService>> | undefined {
  const { services = [] } = content
  if (services.length === 0) return undefined
  const healthUrls = new Map(healthUrlsOf(content))
  return Object.fromEntries(
    services.map(({ name, url }) => [name, { publicUrl: url, healthy: isHealthy(healthUrls.get(name) ?? '') }]),
  )
}
