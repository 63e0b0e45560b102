import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ensure } from '../../testing/parts/catalogue.ts'
import { documents, root } from '../generate-docs/documents.ts'
import { differenceOf, takeScreenshots } from './screenshots.ts'

// npm run pictures: renews every picture of the book from what the product shows now. Drawings are written as text. Screenshots are
// taken in a browser, and kept as they are unless an eye would see the difference: numbers that change each second are no reason for
// the repository to grow.

/** Share of the pixels that may differ: times of day, latencies and lines of rates. */
const ALIKE = 0.02

const say = (line: string) => process.stderr.write(`${line}\n`)

function write(path: string, now: string | Buffer): void {
  writeFileSync(`${root}${path}`, now)
  say(`${path} is renewed`)
}

for (const [path, textNow] of Object.entries(documents)) {
  if (!path.endsWith('.svg')) continue
  const text = textNow()
  const file = `${root}${path}`
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) write(path, text)
}

const chromium = await ensure('chromium', say)
if ('missing' in chromium) {
  say(`screenshots are not renewed: ${chromium.missing}`)
  process.exit(1)
}
await takeScreenshots(chromium.path, async (path, png, browser) => {
  const file = `${root}${path}`
  const difference = existsSync(file) ? await differenceOf(browser, readFileSync(file), png) : 1
  if (difference > ALIKE) write(path, png)
  else say(`${path} stays: ${(difference * 100).toFixed(2)} % of it differ`)
})
process.exit(0)
