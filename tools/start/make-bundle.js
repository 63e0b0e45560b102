import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUNDLE_FOLDERS, bundleFolder } from './bundle-folder.js'

// node tools/start/make-bundle.js: makes the bundle from which the next `npm start` runs. After `npm ci` npm runs it by itself, as `prepare` of
// package.json, which lets it fail: with fewer files, as in the stages of the image, or packages (--omit=dev), there is nothing to start here.

const root = fileURLToPath(new URL('../../', import.meta.url))
/** A realm that runs loads files of its bundle later, so some others are kept. */
const KEPT = 4

const folder = bundleFolder(root)
if (!existsSync(join(root, folder))) {
  removeOld()
  const draft = `${BUNDLE_FOLDERS}draft-${process.pid}`
  try {
    const { bundle } = await import('../bundle.ts')
    await bundle(join(root, draft))
    // Not a bundle of sources that were saved meanwhile, nor half a one.
    if (bundleFolder(root) === folder && !existsSync(join(root, folder))) renameSync(join(root, draft), join(root, folder))
  } finally {
    rmSync(join(root, draft), { recursive: true, force: true })
  }
}

function removeOld() {
  const age = (name) => statSync(join(root, name)).mtimeMs
  const bundles = readdirSync(root).filter((name) => name.startsWith(BUNDLE_FOLDERS))
  for (const name of bundles.sort((a, b) => age(b) - age(a)).slice(KEPT))
    rmSync(join(root, name), { recursive: true, force: true })
}
