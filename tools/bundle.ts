import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

// node tools/bundle.ts [FOLDER]: writes the programs of the image to a folder beside package.json, `bundle` by default. Each program is
// its own file and the chunks it shares with others, with only those parts of our packages that it can reach: an idle service is mostly
// code, so this saves some 17 MB of each and half of its start. What npm publishes is not bundled: npm installs packages beside it.

const root = fileURLToPath(new URL('../', import.meta.url))

/** The files that are started: by the image's command, by the chart, by a user, and as threads. */
export const programs: Readonly<Record<string, string>> = {
  'cells/main': 'cells/main.ts',
  'operator/main': 'operator/main.ts',
  'operator/install-check': 'operator/install-check/main.ts',
  'cli/main': 'cli/main.ts',
  // A thread is looked for beside the file that starts it, which is in one of the chunks.
  'chunks/signature-worker': 'cells/identity/signature-worker.ts',
  'chunks/pglite-engine': 'cells/gatekeeper/adapters/pglite-engine.ts',
}

/** What a program reads beside the file that reads it, which is in one of the chunks. */
export const besidePrograms: readonly string[] = [
  'cells/realm-provider/console/page',
  'cells/gatekeeper/adapters/new-database-0.5.16.tar.br',
  'cli/install/install.yaml',
]

/** Packages that stay files of their own, and why. */
export const separate: Readonly<Record<string, string>> = {
  '@dcl/crypto': 'uses eth-connect, which its licence (LGPL) lets users replace',
  '@electric-sql/pglite': 'reads its database engine from files beside its own',
  '@kubernetes/client-node': 'is needed only with a kubeconfig, so not in a pod',
  koffi: 'loads a library of the machine',
  secp256k1: 'loads a library of the machine',
  'tiny-secp256k1': 'reads its WebAssembly from a file beside its own',
}

const isSeparate = (module: string): boolean =>
  Object.keys(separate).some((name) => module === name || module.startsWith(`${name}/`))

/** Writes the programs to a folder directly below the root, where they find `crds` and `package.json`. @throws when they do not fit together */
export async function bundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  const build = await rolldown({
    cwd: root,
    input: programs,
    platform: 'node',
    external: isSeparate,
    // Each file of a stack trace is found in a bundle by the comment in front of it, so nothing is minified.
    onLog: (_, { message }) => {
      throw new Error(message)
    },
  })
  const { output } = await build.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    // In memory as long as the program is; descriptions for editors are a tenth of it.
    comments: { legal: true, jsdoc: false, annotation: false },
  })
  for (const path of besidePrograms) await cp(join(root, path), join(folder, 'chunks', basename(path)), { recursive: true })
  for (const file of output) {
    if (file.type !== 'chunk') throw new Error(`${file.fileName} is no program`)
    const path = join(folder, file.fileName)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, asciiOf(file.code))
  }
}

/** The same program with escapes: the runtime keeps a text with a single character beyond Latin-1 in twice the memory. */
const asciiOf = (code: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
  code.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

if (import.meta.main) await bundle(`${root}${process.argv[2] ?? 'bundle'}`)
