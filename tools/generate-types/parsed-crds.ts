import { parse } from 'yaml'
import { crdFiles, readCrdText } from '../../crds/schema.ts'

/** The CRDs by their files, as JSON with a line for each. */
export const parsedCrds = (): string =>
  `{\n${crdFiles.map((file) => `${JSON.stringify(file)}:${JSON.stringify(parse(readCrdText(file), { merge: true }))}`).join(',\n')}\n}\n`
