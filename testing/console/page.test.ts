import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BrowserPage, chromiumPath, startBrowser } from '../browser.ts'
import { CONSOLE_TOKEN, startConsoleSite } from './site.ts'

// With CONSOLE_PICTURES=folder the pictures of the pages are kept there.

const SIZES = { wall: [1920, 1080], laptop: [1280, 800], phone: [390, 844] } as const
const REALM = '#/realm/realms/main'

let browser: Awaited<ReturnType<typeof startBrowser>> | undefined

beforeAll(async () => {
  if (chromiumPath()) browser = await startBrowser()
})
afterAll(() => browser?.stop())

const onPage = test.skipIf(!chromiumPath())

function thePage(): BrowserPage {
  if (!browser) throw new Error('there is no browser')
  return browser.page
}

/** The page is left first: it would complain that its provider is gone. */
async function leave(site: { stop: () => Promise<void> }): Promise<void> {
  await thePage().open('about:blank')
  await site.stop()
}

/** What is on the map: how many colours the canvas has, beside those of an empty one. */
const PAINTED = `(() => {
  const canvas = document.querySelector('canvas[data-map]')
  if (!canvas || canvas.width === 0) return 0
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  const seen = new Set()
  for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2])
  return seen.size
})()`

/** What spills out of the window, and which controls cannot be named. */
const DEFECTS = `(() => {
  const wide = document.documentElement.scrollWidth > innerWidth + 1 ? ['the page is wider than the window'] : []
  const nameless = [...document.querySelectorAll('button, a, input, [role=region], [role=img], svg')].filter((each) =>
    each.getClientRects().length > 0 && !(each.getAttribute('aria-label') || each.getAttribute('aria-labelledby') || each.labels?.length || each.textContent.trim()))
  return [...wide, ...nameless.map((each) => 'without a name: ' + each.outerHTML.slice(0, 120))]
})()`

const keep = async (name: string) => {
  const folder = process.env.CONSOLE_PICTURES
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}/${name}.png`, await thePage().screenshot())
}

const sees = (expression: string, value: unknown = true) =>
  expect.poll(() => thePage().read(expression), { timeout: 15_000 }).toEqual(value)

for (const peers of [10, 5_000, 100_000]) {
  onPage(
    `with ${peers} peers the page shows them at three sizes, light and dark, and complains of nothing`,
    async (t) => {
      const page = thePage()
      const site = await startConsoleSite(peers)
      t.onTestFinished(() => leave(site))
      const before = page.complaints.length
      // Rates and lines are known after some seconds.
      if (process.env.CONSOLE_PICTURES) await new Promise((resolve) => setTimeout(resolve, 16_000))
      for (const [size, [width, height]] of Object.entries(SIZES))
        for (const theme of ['light', 'dark'] as const) {
          await page.resize(width, height)
          await page.prefer(theme)
          await page.open(`${site.url}/console`)
          await sees(`document.querySelectorAll('.card').length`, 4)
          await sees(`document.documentElement.dataset.theme`, theme)
          await sees(`document.querySelector('.link-state')?.className.includes('live')`)
          await sees(`document.querySelectorAll('.problem.error').length`, 2)
          await sees(
            `/Players\\s*${new Intl.NumberFormat('en').format(peers + Math.round(peers / 40))}/.test(document.querySelector('#summary').textContent)`,
          )
          expect(await page.read(DEFECTS)).toEqual([])
          await keep(`wall-${peers}-${size}-${theme}`)
          await page.read(`location.hash = '${REALM}'`)
          await sees(`${PAINTED} > ${peers === 10 ? 3 : 6}`)
          await sees(
            `document.querySelector('.legend').textContent.startsWith('${peers > 5_000 ? 'Peers per parcel' : 'Each dot'}')`,
          )
          expect(await page.read(DEFECTS)).toEqual([])
          await keep(`realm-${peers}-${size}-${theme}`)
          await page.read(`location.hash = '#/'`)
        }
      expect(page.complaints.slice(before)).toEqual([])
    },
    180_000,
  )
}

onPage('cells are sorted by key and by click, and a search leads to realms, parcels, islands and wallets', async (t) => {
  const page = thePage()
  const site = await startConsoleSite(200)
  t.onTestFinished(() => leave(site))
  await page.resize(1280, 800)
  await page.open(`${site.url}/console`)
  await sees(`document.querySelectorAll('tbody tr').length > 5`)
  await page.press('2')
  await sees(
    `document.querySelector('th[aria-sort]').textContent + ' ' + document.querySelector('th[aria-sort]').getAttribute('aria-sort')`,
    'Slot ascending',
  )
  await page.read(`document.querySelector('[data-column=players]').click()`)
  await sees(`document.querySelector('th[aria-sort]').getAttribute('aria-sort')`, 'descending')
  const search = async (text: string) => {
    await page.press('/')
    await sees(`document.activeElement.id`, 'query')
    await page.read(
      `document.querySelector('#query').value = ${JSON.stringify(text)}; document.querySelector('#search').requestSubmit(); document.activeElement.blur()`,
    )
  }
  await search('garden')
  await sees('location.hash', '#/realm/realms/garden')
  await search('main')
  await sees('location.hash', '#/realm/realms/main')
  await search('12,-7')
  await sees('location.hash', '#/parcel/realms/main/12,-7')
  await sees(`document.querySelector('canvas[data-map]') !== null`)
  await search('0-0')
  await sees(`document.querySelector('#found-title')?.textContent`, 'Island 0-0')
  const wallet = `0x${'1'.padStart(40, '0')}`
  await search(wallet)
  await sees(`document.body.textContent.includes('only with the token')`)
  await page.read(
    `document.querySelector('#token-button').click(); document.querySelector('#token-input').value = '${CONSOLE_TOKEN}'; document.querySelector('#token-form').requestSubmit()`,
  )
  await sees(`document.querySelector('main').textContent.includes('last heartbeat')`)
  await page.read(`sessionStorage.clear()`)
})

onPage('the map is moved and zoomed by keys, and links are there to be copied', async (t) => {
  const page = thePage()
  const site = await startConsoleSite(300)
  t.onTestFinished(() => leave(site))
  await page.resize(1280, 800)
  await page.open(`${site.url}/console${REALM}`)
  await sees(`${PAINTED} > 3`)
  const picture = () => page.read<string>(`document.querySelector('canvas[data-map]').toDataURL().length + ''`)
  await page.read(`document.querySelector('canvas[data-map]').focus()`)
  const all = await picture()
  await page.press('+')
  await page.press('+')
  await expect.poll(picture).not.toBe(all)
  const texts = await page.read<string[]>(`[...document.querySelectorAll('.copy code')].map((each) => each.textContent)`)
  expect(texts).toContain(`decentraland://?realm=${site.url}/main`)
  expect(texts).toContain('PULSE_SERVER=relay.example.org:7777')
})
