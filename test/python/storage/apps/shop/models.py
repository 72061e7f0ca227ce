from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=200, unique=True)
    joined = models.DateTimeField()


class Tag(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)
    title = models.CharField(max_length=100)
    published = models.DateField(null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    sold = models.BooleanField(default=False)
    data = models.JSONField(default=dict)
    cover = models.BinaryField(default=b"")
