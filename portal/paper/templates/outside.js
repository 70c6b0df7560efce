(function () {
  var code = decodeURIComponent(location.hash.slice(1));
  if (!/^[0-9A-Za-z -]{4,40}$/.test(code)) return;
  document.getElementById("code").textContent = code;
  document.getElementById("kept").hidden = false;
  document.getElementById("paper").hidden = true;
  document.getElementById("again").href = "/code#" + encodeURIComponent(code);
})();
