import { writeFileSync } from 'node:fs'
import { crdFiles, parsedCrdsFile, readCrd } from '../../crds/schema.ts'
import { parsedCrds } from './parsed-crds.ts'
import { typescriptOf } from './typescript.ts'

const crds = new URL('../../crds/', import.meta.url)
writeFileSync(new URL(parsedCrdsFile, crds), parsedCrds())
writeFileSync(new URL('types.gen.ts', crds), typescriptOf(crdFiles.map(readCrd)))
