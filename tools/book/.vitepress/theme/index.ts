// The theme without its fonts: the book uses those of the reader's machine.
import theme from 'vitepress/theme-without-fonts'
import './book.css'

export default theme
