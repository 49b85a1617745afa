// Rows, or cards, that are told again and again, and stand in the page for long. What stays where it is is neither made anew
// nor moved: then it stays open, selected and focused, and keeps its canvas.

export function arrange(parent, rows) {
  const staying = new Set(rows);
  for (const row of [...parent.children]) if (!staying.has(row)) row.remove();
  let next = parent.firstElementChild;
  for (const row of rows) {
    if (row === next) next = next.nextElementSibling;
    else parent.insertBefore(row, next);
  }
}
