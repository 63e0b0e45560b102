import { readFileSync } from 'node:fs'

/** The text of a file: beside this one in the sources, two folders up in the compiled package. */
export function readCrdFile(file: string): string {
  const here = new URL(`./${file}`, import.meta.url)
  return readFileSync(import.meta.url.endsWith('.ts') ? here : new URL(`../../crds/${file}`, import.meta.url), 'utf8')
}
