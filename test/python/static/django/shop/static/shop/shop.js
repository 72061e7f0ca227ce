console.log('shop');
//# sourceMappingURL=shop.js.map
