import { chmod, cp, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../testing/parts/command.ts'
import { besidePrograms, bundle } from './bundle.ts'

// npm run build: compiles what npm publishes to dist/, and the programs of the image to bundle/, from nothing, so that no file of an older
// build stays.

const root = fileURLToPath(new URL('../', import.meta.url))

await rm(`${root}dist`, { recursive: true, force: true })
await runCommand(`${root}node_modules/.bin/tsc`, ['--project', 'tsconfig.build.json'], { cwd: root, timeoutMs: 300_000 }).catch(
  (error: Error) => {
    console.error(error.message)
    process.exit(1)
  },
)
// What programs read beside themselves is not compiled.
for (const path of besidePrograms) await cp(`${root}${path}`, `${root}dist/${path}`, { recursive: true })
await chmod(`${root}dist/cli/main.js`, 0o755)
await bundle(`${root}bundle`)
