import { readFileSync } from 'node:fs'
import { clusteringPlots } from '../../../bench/archipelago/plots.ts'
import { someCity } from '../../../cli/island-map/fixtures.ts'
import { islandMap } from '../../../cli/island-map/island-map.ts'
import { readMapData } from '../../../cli/island-map/map-data.ts'

const clustering = () => clusteringPlots(readFileSync(new URL('../../../docs/clustering.md', import.meta.url), 'utf8'))

/** The pictures that the product draws, or that are drawn of its benchmarks: the path of each, and what draws it. */
export const measuredPictures: Readonly<Record<string, () => string>> = {
  'docs/islands.svg': () => {
    const data = readMapData({ ...someCity(600), realm: 'main', takenAt: '2026-11-21 12:00 UTC' })
    if (!data) throw new Error('the city has no islands')
    return islandMap(data)
  },
  'docs/clustering-speed.svg': () => clustering()['clustering-speed.svg'] ?? '',
  'docs/clustering-neighbours.svg': () => clustering()['clustering-neighbours.svg'] ?? '',
}
