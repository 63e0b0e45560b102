import { writeFileSync } from 'node:fs'
import { crdFiles, readCrd } from './schema.ts'
import { typescriptOf } from './typescript.ts'

writeFileSync(new URL('./types.gen.ts', import.meta.url), typescriptOf(crdFiles.map(readCrd)))
