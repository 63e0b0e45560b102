import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { filesOf, readRealms, releases, renderRelease } from '../operator/desired/manifests/released.fixtures.ts'

// node tools/keep-release.ts 0.2.0: keeps what the operator of this release renders, for every later one to be compared with.

const [version] = process.argv.slice(2)
if (!version || !/^\d+\.\d+\.\d+/.test(version)) {
  console.error('which release? node tools/keep-release.ts 0.2.0')
  process.exit(2)
}
const files = filesOf(version)
if (existsSync(files.rendered)) {
  console.error(`${files.rendered} is there: what a release rendered does not change any more`)
  process.exit(1)
}
mkdirSync(files.folder, { recursive: true })
if (!existsSync(files.realms)) {
  const last = releases()
    .filter((release) => existsSync(filesOf(release).realms))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)
  if (last === undefined) throw new Error(`declare some realms in ${files.realms}`)
  copyFileSync(filesOf(last).realms, files.realms)
}
const { cells, rendered } = renderRelease(readRealms(files.realms))
writeFileSync(files.cells, cells.map((cell) => stringify(cell, { aliasDuplicateObjects: false })).join('---\n'))
writeFileSync(files.rendered, stringify(rendered, { aliasDuplicateObjects: false }))
console.log(`kept what ${version} renders for ${cells.length} cells in ${files.folder}`)
