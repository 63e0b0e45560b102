import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { startBrowser } from '../../testing/browser.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { documents, root, textOfFile } from '../generate-docs/documents.ts'
import { differenceOf, screenshots } from './screenshots.ts'

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(root, path)))
const pictures = files.filter((path) => path.startsWith('docs/') && /\.(png|svg|jpe?g|gif|webp|avif)$/.test(path)).sort()

test('every picture of the book is made by npm run pictures, and each that it makes is there', () => {
  const made = [...Object.keys(documents).filter((path) => path.endsWith('.svg')), ...Object.keys(screenshots)]
  expect(made.filter((path) => path.startsWith('docs/')).sort()).toEqual(pictures)
})

test('every picture of the book is shown by a page', () => {
  const shown = new Set(
    files
      .filter((path) => path.endsWith('.md'))
      .flatMap((page) =>
        [...textOfFile(page).matchAll(/\]\((?!https?:)([^)#\s]+)\)/g)].map(([, path = '']) =>
          normalize(join(dirname(page), path)),
        ),
      ),
  )
  expect(pictures.filter((path) => !shown.has(path))).toEqual([])
})

withPart('chromium', 'screenshots are compared in the browser', (path) => {
  test('by the share of their pixels that an eye sees differ', async (t) => {
    const browser = await startBrowser(path)
    t.onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 200, height: 100 } })
    const halfIn = async (colour: string) => {
      await page.setContent(`<body style="margin:0"><div style="height:50px;background:${colour}">`)
      return page.screenshot()
    }
    const [white, almostWhite, black] = [await halfIn('#fff'), await halfIn('#f0f0f0'), await halfIn('#000')]
    await page.setViewportSize({ width: 100, height: 100 })
    const small = await page.screenshot()
    const differences = [white, almostWhite, black, small].map((after) => differenceOf(browser, white, after))
    expect(await Promise.all(differences)).toEqual([0, 0, 0.5, 1])
  })
})
