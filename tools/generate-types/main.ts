import { writeFileSync } from 'node:fs'
import { crdFiles, readCrd } from '../../crds/schema.ts'
import { typescriptOf } from './typescript.ts'

writeFileSync(new URL('../../crds/types.gen.ts', import.meta.url), typescriptOf(crdFiles.map(readCrd)))
