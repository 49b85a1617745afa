// Take a text away. Without a secure address a browser keeps its clipboard to itself: then it is shown, to be copied by hand.

// Whether it is in the clipboard; else the reader was asked.
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    window.prompt(what, text);
    return false;
  }
}
