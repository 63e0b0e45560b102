import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { version } from '../../cells/version.ts'
import { readCrdFile } from '../../crds/crd-folder.ts'
import { crdFiles, parsedCrdsFile } from '../../crds/schema.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Packages that no executable may hold: eth-connect has a licence (LGPL) that lets users replace it, and the others load files beside them. */
const REFUSED = ['@dcl/crypto', 'eth-connect', 'secp256k1', 'tiny-secp256k1', '@electric-sql/pglite']

/** Modules that read a file beside them, with what they are in an executable, which has none. */
const contents = (): Readonly<Record<string, string>> => ({
  'cells/version.ts': `export const version = ${JSON.stringify(version)}`,
  'crds/crd-folder.ts': `const texts = ${JSON.stringify(Object.fromEntries([...crdFiles, parsedCrdsFile].map((file) => [file, readCrdFile(file)])))}
export const readCrdFile = (file) => texts[file]`,
  'cli/install/install-text.ts': `const text = ${JSON.stringify(readFileSync(join(root, 'cli/install/install.yaml'), 'utf8'))}
export const installText = () => text`,
})

/** The commands for clusters with all that they use, in one script. @throws when it would need a file beside it */
export async function bundleScript(): Promise<string> {
  const modules = contents()
  const build = await rolldown({
    cwd: root,
    input: 'tools/executable/entry.ts',
    platform: 'node',
    plugins: [{ name: 'contents', load: (id) => modules[id.slice(root.length)] }],
    onLog: (_, { message }) => {
      throw new Error(message)
    },
  })
  const { output } = await build.generate({
    format: 'cjs',
    codeSplitting: false,
    // Half of the start is reading code.
    minify: true,
    comments: { legal: true, jsdoc: false, annotation: false },
  })
  const [script, ...others] = output
  if (script.type !== 'chunk' || others.length > 0) throw new Error('the executable is more than one script')
  const inside = Object.keys(script.modules)
  const refused = REFUSED.filter((name) => inside.some((id) => id.includes(`/node_modules/${name}/`)))
  if (refused.length > 0) throw new Error(`the executable would hold ${refused.join(', ')}`)
  if (script.code.includes('import.meta')) throw new Error('the executable would look for a file beside it')
  return script.code
}
