import { parseDocument, stringify } from 'yaml'
import type { Change } from './changelog.ts'

/** What only a release knows about its chart. */
export interface ChartRelease {
  version: string
  /** URL of the public repository, without a slash at its end; unset = the chart names none. */
  source: string | undefined
  /** The image with its digest. */
  image: string
  /** Images of other projects that the chart names. */
  otherImages: Readonly<Record<string, string>>
  platforms: readonly string[]
  changes: readonly Change[]
}

/** Chart.yaml of a release: with what Helm and Artifact Hub show about it. */
export function releasedChart(text: string, { version, source, image, otherImages, platforms, changes }: ChartRelease): string {
  const chart = parseDocument(text)
  if (source !== undefined) {
    chart.set('home', source)
    chart.set('sources', [source])
    chart.set('icon', `${source}/raw/v${version}/helm/icon.svg`)
    chart.setIn(
      ['annotations', 'artifacthub.io/links'],
      stringify([
        { name: 'Installation', url: `${source}/blob/v${version}/docs/install.md` },
        { name: 'Changelog', url: `${source}/blob/v${version}/CHANGELOG.md` },
      ]),
    )
  }
  const images = [
    { name: 'realm-operator', image, platforms },
    ...Object.entries(otherImages).map(([name, other]) => ({ name, image: other })),
  ]
  chart.setIn(['annotations', 'artifacthub.io/images'], stringify(images))
  chart.setIn(['annotations', 'artifacthub.io/changes'], stringify(changes))
  chart.setIn(['annotations', 'artifacthub.io/prerelease'], String(/^0\.|-/.test(version)))
  return chart.toString({ lineWidth: 0 })
}
