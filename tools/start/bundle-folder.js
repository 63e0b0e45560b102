import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What begins the names of all folders with bundles for `npm start`. */
export const BUNDLE_FOLDERS = '.start-'

/** What a bundle is made of; of packages, the lists that npm writes when it installs. */
const SOURCES = [
  'cells',
  'cli',
  'operator',
  'crds',
  'tools/bundle.ts',
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
]

/** The folder of the bundle of the sources as they are now: any file that is saved has another one. */
export function bundleFolder(root) {
  const hash = createHash('sha256').update(process.version)
  for (const source of SOURCES)
    for (const path of filesOf(root, source)) {
      const { size, mtimeMs } = statSync(join(root, path))
      hash.update(`${path} ${size} ${mtimeMs}\n`)
    }
  return `${BUNDLE_FOLDERS}${hash.digest('hex').slice(0, 16)}`
}

function filesOf(root, source) {
  const path = join(root, source)
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [source]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath.slice(root.length), entry.name))
    .sort()
}
