import { cpSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { crdFiles } from '../crds/schema.ts'

// npx node tools/chart-sync.ts: copies the CRDs into the chart, which can only hand out files of its own.

const root = fileURLToPath(new URL('../', import.meta.url))

rmSync(`${root}helm/files/crds`, { recursive: true, force: true })
for (const file of crdFiles) cpSync(`${root}crds/${file}`, `${root}helm/files/crds/${file}`)
