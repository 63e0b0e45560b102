import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { apiReference } from './api-reference.ts'
import { chartReadme } from './chart-values.ts'
import { codesReference } from './codes-reference.ts'
import { dashboardFiles } from './dashboards/dashboards.ts'
import { conceptDrawings } from './drawings/concepts.ts'
import { measuredPictures } from './drawings/measured.ts'
import { environmentReference } from './environment-reference.ts'
import { withFloors } from './floors-table.ts'
import { withGatekeeperRoutes } from './gatekeeper-routes.ts'
import { metricsReference } from './metrics-reference.ts'
import { noticeText } from './notice.ts'
import { realmctlReference } from './realmctl-reference.ts'
import { reasonsPage } from './reasons-page.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A file of the repository, by its path from the root. */
export const textOfFile = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

/** Every generated document: its path and the text it should have now. */
export const documents: Readonly<Record<string, () => string>> = {
  'docs/reference/api.md': apiReference,
  'docs/reference/metrics.md': metricsReference,
  'docs/reference/environment.md': environmentReference,
  'docs/reference/codes.md': codesReference,
  'docs/reference/realmctl.md': realmctlReference,
  'docs/troubleshooting/reasons.md': reasonsPage,
  'docs/architecture.md': () => withFloors(textOfFile('docs/architecture.md')),
  'docs/gatekeeper.md': () => withGatekeeperRoutes(textOfFile('docs/gatekeeper.md')),
  'helm/README.md': chartReadme,
  ...dashboardFiles,
  ...conceptDrawings,
  ...measuredPictures,
  NOTICE: noticeText,
}
