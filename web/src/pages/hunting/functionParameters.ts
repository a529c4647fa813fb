// Reads the parameters of a stored function, `x:string, T:(IP:string), since:timespan=7d`, for the language service.

interface Parameter {
  name: string;
  type: string;
  cslType: string;
  cslDefaultValue?: string;
  columns?: { name: string; type: string; cslType: string }[];
}

/** Splits at commas that stand in no bracket and no string. */
function parts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let quote = "";
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (quote) {
      if (char === "\\") at++;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "," && depth === 0) {
      found.push(text.slice(start, at));
      start = at + 1;
    }
  }
  found.push(text.slice(start));
  return found.map((part) => part.trim()).filter(Boolean);
}

export function inputParameters(text: string): Parameter[] {
  return parts(text).flatMap((part) => {
    const match = /^(\w+|\['[^']+'\])\s*:\s*(\((?:[^()]|\([^)]*\))*\)|\w+)\s*(?:=\s*(.+))?$/s.exec(part);
    if (!match) return [];
    const [, name = "", type = "", value] = match;
    if (!type.startsWith("(")) return [{ name, type, cslType: type, ...(value && { cslDefaultValue: value }) }];
    const columns = type.slice(1, -1).trim() === "*" ? [] : inputParameters(type.slice(1, -1));
    return [{ name, type: "", cslType: "", columns }];
  });
}
