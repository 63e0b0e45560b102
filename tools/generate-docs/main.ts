import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { documents, root } from './documents.ts'

// Part of `npm run generate`: writes the documents that are made from the code.

for (const [path, textNow] of Object.entries(documents)) {
  mkdirSync(dirname(`${root}${path}`), { recursive: true })
  writeFileSync(`${root}${path}`, textNow())
}
