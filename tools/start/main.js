import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundleFolder } from './bundle-folder.js'

// npm start: runs `realmctl` from a bundle of the sources as they are, or from the sources where there is none. npm makes one when it has
// installed the packages; after sources were changed, a process of its own does so some time into the first start from them. That may fail, for
// example where the checkout cannot be written: then the next start is as this one.
// JavaScript, so that a start from a bundle need not load what removes types.

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Long after the realm is ready. */
const MAKE_BUNDLE_AFTER_MS = 15_000

const bundled = join(root, bundleFolder(root), 'cli/main.js')
if (existsSync(bundled)) await import(pathToFileURL(bundled).href)
else {
  setTimeout(makeBundle, MAKE_BUNDLE_AFTER_MS).unref()
  await import('../../cli/main.ts')
}

function makeBundle() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('make-bundle.js', import.meta.url))], { stdio: 'ignore' })
  child.on('error', () => {})
  child.unref()
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It has ended already.
  }
}
