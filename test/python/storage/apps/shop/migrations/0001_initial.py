from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Author",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=100)),
                ("joined", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            "Tag", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=50))]
        ),
        migrations.CreateModel(
            "Book",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("author", models.ForeignKey("shop.Author", models.CASCADE)),
                ("tags", models.ManyToManyField("shop.Tag")),
                ("title", models.CharField(max_length=100)),
                ("published", models.DateField(null=True)),
                ("price", models.DecimalField(max_digits=8, decimal_places=2, default=0)),
                ("sold", models.BooleanField(default=False)),
                ("data", models.JSONField(default=dict)),
                ("cover", models.BinaryField(default=b"")),
            ],
        ),
    ]
